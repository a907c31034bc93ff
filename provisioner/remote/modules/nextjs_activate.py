"""Puts a release to work in place, for an app without a web server in front.

Unit, env file, credentials, slot, restart, health check; all of it back as it was when it fails.

The steps, in order. A journal on the host tells how far it got, so the next run knows what an interrupted one left:
  1. keep env file and credentials of before, write the journal ("activating", with the unit and release of before)
  2. write env file, credentials and unit, point the slot at the release
  3. restart, wait until the app answers with the right build
  4. point `current` at the release, write the journal ("active"), drop what was kept
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, NamedTuple, Optional

from provisioner.remote.nextjs import credentials, exported, links, probe, records, service, start
from provisioner.remote.nextjs.layout import JOURNALS, SINGLE, Layout, ensure_directory, read_state, write_state
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec

SPEC = Spec(
    name="nextjs_activate",
    summary="Start a release of a Next.js app and go back to the one before if it does not answer",
    check="predict",
    identity=("name",),
    args={
        **start.ARGS,
        "unit": Arg(required=True, doc="The text of the unit"),
    },
)

GOING_BACK = 30.0  # seconds the release of before gets to answer again


class Before(NamedTuple):
    """What ran, as far as it can be put back."""

    release: Optional[str]
    unit: Optional[str]
    env: Optional[bytes]
    credentials: Dict[str, str]
    build_id: Optional[str]
    base_path: str


def run(ctx: Ctx, a: Arguments) -> Result:
    layout = Layout(a.name)
    diff = _difference(ctx, a, layout) if ctx.want_diff else None
    if ctx.check:
        return Result(
            changed=True,
            diff=diff,
            release=a.release,
            why=a.why,
            predictions=[
                ("service", layout.unit, {"state": "running", "enabled": True}),
                ("path", layout.unit_file, {"kind": "file"}),
            ],
        )
    if ctx.stat(layout.release_journal) is not None:
        raise ctx.fail(
            "%s runs in slots behind a web server, and `proxy: none` would stop it: disable its services "
            "(systemctl disable --now '%s@*'), remove %s, and run this again"
            % (a.name, a.name, layout.release_journal)
        )
    before = _keep(ctx, a, layout)
    _switch(ctx, layout, a.release, a.unit, start.env_text(ctx, layout, a).encode(), a.credentials)
    problem = _start(ctx, layout, a.health, a.build_id, a.base_path)
    if problem is not None:
        raise ctx.fail(_go_back(ctx, a, layout, before, problem), release=a.release, rolled_back_to=before.release)
    links.follow(ctx, layout, SINGLE, a.release)
    write_state(
        ctx, layout.journal, {"state": "active", "release": a.release, "build_id": a.build_id, "base_path": a.base_path}
    )
    _drop_backups(ctx, layout)
    exported.forget(ctx, layout)
    records.keep(ctx, layout, records.of_start(ctx, layout, SPEC, a, before.release))
    pid = service.show(ctx, layout.unit).get("MainPID", "0")
    return Result(changed=True, diff=diff, release=a.release, build_id=a.build_id, pid=int(pid), why=a.why)


def _keep(ctx: Ctx, a: Arguments, layout: Layout) -> Before:
    journal = read_state(ctx, layout.journal)
    if journal.get("state") == "activating":
        # Interrupted: what lies there now may be half of the new. What was kept then is what to go back to.
        kept = ctx.read(layout.env_backup)
        return Before(
            journal.get("from"),
            journal.get("unit_before"),
            kept,
            credentials.read(ctx, layout.credentials_backup),
            journal.get("build_before"),
            journal.get("base_before") or "",
        )
    slot = ctx.stat(layout.slot(SINGLE).link)
    release = slot.target.rpartition("/")[2] if slot and slot.target else None
    env = ctx.read(layout.env_file)
    files = credentials.read(ctx, layout.slot(SINGLE).credentials)
    before = Before(
        release, ctx.read_text(layout.unit_file), env, files, journal.get("build_id"), journal.get("base_path") or ""
    )
    credentials.write(ctx, layout.credentials_backup, files)
    if env is None:
        ctx.remove(layout.env_backup)
    else:
        ctx.write(layout.env_backup, env, mode="0600", owner="root", group="root")
    ensure_directory(ctx, JOURNALS, "0700")
    write_state(
        ctx,
        layout.journal,
        {
            "state": "activating",
            "release": a.release,
            "from": before.release,
            "unit_before": before.unit,
            "build_before": before.build_id,
            "base_before": before.base_path,
        },
    )
    return before


def _drop_backups(ctx: Ctx, layout: Layout) -> None:
    for path in (layout.env_backup, layout.credentials_backup):
        ctx.remove(path, recursive=True)


def _switch(
    ctx: Ctx, layout: Layout, release: str, unit: str, env: bytes, files: "Mapping[str, str]"
) -> None:
    ctx.write(layout.env_file, env, mode="0600", owner="root", group="root")
    credentials.write(ctx, layout.slot(SINGLE).credentials, files)
    ctx.write(layout.unit_file, unit.encode(), mode="0644", owner="root", group="root")
    ctx.symlink("../releases/%s" % release, layout.slot(SINGLE).link)
    ctx.run(["systemctl", "daemon-reload"], check=True, timeout=60)


def _start(
    ctx: Ctx, layout: Layout, health: "Mapping[str, Any]", build_id: "Optional[str]", base_path: str
) -> "Optional[str]":
    """What went wrong, or None once the app answers."""
    ctx.run(["systemctl", "reset-failed", layout.unit], timeout=30)
    done = ctx.run(["systemctl", "enable", layout.unit], timeout=60)
    if done.rc == 0:
        done = ctx.run(["systemctl", "restart", layout.unit], timeout=300)
    if done.rc != 0:
        return "systemd does not start it: %s" % (done.stderr.strip() or "exit code %d" % done.rc)
    return probe.wait(ctx, layout.unit, health, build_id, base_path)


def _go_back(ctx: Ctx, a: Arguments, layout: Layout, before: Before, problem: str) -> str:
    """Put back what ran before; gives the message that tells all of it."""
    lines = service.journal_lines(ctx, layout.unit)
    told = "release %s is not healthy: %s\nthe last lines of its journal:\n%s" % (a.release, problem, lines or "(none)")
    if before.release is None or before.unit is None:
        _stop(ctx, layout)
        return told + "\nthere was no release before it, so the service was stopped"
    _switch(ctx, layout, before.release, before.unit, before.env or b"", before.credentials)
    health = {**a.health, "timeout": GOING_BACK}
    still = _start(ctx, layout, health, before.build_id, before.base_path)
    if still is not None:
        # The journal stays at "activating": the next run has to make it right.
        return "%s\nWENT BACK to release %s, but that is not healthy either: %s" % (told, before.release, still)
    write_state(
        ctx,
        layout.journal,
        {"state": "active", "release": before.release, "build_id": before.build_id, "base_path": before.base_path},
    )
    _drop_backups(ctx, layout)
    return "%s\nwent back to release %s, which answers" % (told, before.release)


def _stop(ctx: Ctx, layout: Layout) -> None:
    ctx.run(["systemctl", "disable", "--now", layout.unit], timeout=300)
    place = layout.slot(SINGLE)
    for path in (layout.unit_file, place.link, place.env_file, place.credentials, layout.journal):
        ctx.remove(path, recursive=True)
    _drop_backups(ctx, layout)
    ctx.run(["systemctl", "daemon-reload"], timeout=60)
    ctx.run(["systemctl", "reset-failed", layout.unit], timeout=30)


def _difference(ctx: Ctx, a: Arguments, layout: Layout) -> "list[Dict[str, str]]":
    """Unit, env file and credentials (without secret values) and slot; only those that differ."""
    place, unit, env = layout.slot(SINGLE), ctx.read_text(layout.unit_file), ctx.read_text(layout.env_file)
    link = ctx.stat(place.link)
    target = link.target + "\n" if link and link.target else ""
    return start.as_diff([
        (layout.unit_file, layout.unit_file, unit or "", a.unit),
        (place.env_file, place.env_file, *start.env_difference(ctx, layout, a, env or "")),
        (place.credentials, place.credentials, *start.credential_difference(ctx, a, place.credentials)),
        (place.link, place.link, target, "../releases/%s\n" % a.release),
    ])  # fmt: skip
