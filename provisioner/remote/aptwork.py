"""What the modules `apt` and `package` do: from wishes to apt-get commands."""

from __future__ import annotations

import re
from typing import Any, Mapping, NamedTuple, Optional, Sequence

from provisioner.remote import aptwishes, dpkg
from provisioner.remote.aptget import LISTS, AptGet, Step, difference, failure, interrupted, lists_age
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arguments

_POLICY = "/usr/sbin/policy-rc.d"
_EXTENDED = "/var/lib/apt/extended_states"


class Job(NamedTuple):
    """One apt-get command that is due.

    names: the packages it is about. before, after: their versions, as far as they are known without the package
    lists, so that a check with old lists shows the same difference as the run that refreshes them.
    """

    words: "tuple[str, ...]"
    names: "tuple[str, ...]" = ()
    before: "Optional[Mapping[str, str]]" = None
    after: "Mapping[str, str]" = {}  # noqa: RUF012 - never changed


def run(ctx: Ctx, a: Arguments) -> Result:
    """The whole task: lists, then upgrade, packages, and the cleaning up that was asked for."""
    wishes = aptwishes.read(ctx, a)
    apt = AptGet(ctx, _options(a), a.lock_timeout)
    data: "dict[str, Any]" = {}
    alone = not wishes and a.deb is None and _upgrade(a) is None
    settled = _is_settled(ctx, a, wishes)
    refresh = _refresh_due(ctx, a, settled)
    if refresh and not ctx.check:
        apt.update(a.update_cache_retries, a.update_cache_retry_max_delay)
    if a.update_cache or a.cache_valid_time:
        data["cache_updated"] = refresh
        found = ctx.stat(LISTS)
        data["cache_update_time"] = int(found.mtime) if found is not None else 0
    predictions: "list[Any]" = [("path", LISTS, {"kind": "directory", "refreshed": True})] if refresh else []
    outcome = Result(changed=refresh and alone and not _cleans(a), predictions=predictions, **data)
    if not settled:
        _heal(ctx, apt, outcome)
        for job in _jobs(ctx, a, apt, wishes):
            _do(ctx, apt, a, job, outcome)
    if not ctx.check and wishes and a.state in ("present", "latest"):
        _mark_manual(ctx, wishes)
    _clean_up(ctx, apt, a, outcome)
    return outcome


def _upgrade(a: Arguments) -> Optional[str]:
    """`dist`, `safe`, or None when no upgrade is asked for."""
    if a.name == ["*"] and a.state == "latest":
        return "safe"
    asked = str(a.upgrade).lower()
    return None if asked in ("no", "false") else "dist" if asked in ("dist", "full") else "safe"


def _cleans(a: Arguments) -> bool:
    return bool(a.autoremove or a.autoclean or a.clean)


def _options(a: Arguments) -> "list[str]":
    words = []
    for option in (a.dpkg_options or "").split(","):
        if option.strip():
            words += ["-o", "Dpkg::Options::=--%s" % option.strip()]
    if a.install_recommends is not None:
        words += ["-o", "APT::Install-Recommends=%s" % ("true" if a.install_recommends else "false")]
    if a.default_release is not None:
        words += ["-t", a.default_release]
    for wanted, option in (
        (a.allow_unauthenticated or a.force, "--allow-unauthenticated"),
        (a.allow_downgrade or a.force, "--allow-downgrades"),
        (a.allow_change_held_packages or a.force, "--allow-change-held-packages"),
        (a.force, "--allow-remove-essential"),
        (a.only_upgrade, "--only-upgrade"),
        (a.fail_on_autoremove, "--no-remove"),
    ):
        if wanted:
            words.append(option)
    return words


def _is_settled(ctx: Ctx, a: Arguments, wishes: "Sequence[dpkg.Wish]") -> bool:
    """Whether the package database alone shows that nothing is to do for the names."""
    if not wishes and a.deb is None and _upgrade(a) is None and a.state != "fixed":
        return True
    if a.deb is not None or _upgrade(a) is not None or a.state in ("latest", "fixed", "build-dep"):
        return False
    database = dpkg.Database.read(ctx)
    return not (
        aptwishes.to_remove(ctx, a, database, wishes)
        if a.state == "absent"
        else aptwishes.missing(ctx, a, database, wishes)
    )


def _refresh_due(ctx: Ctx, a: Arguments, settled: bool) -> bool:
    """Whether the lists are to be refreshed. Lists serve installing: with all names installed they may be old."""
    if not a.update_cache and not a.cache_valid_time:
        return False
    age = lists_age(ctx)
    if age is None:
        return True
    if a.name and settled and not a.cache_valid_time:
        return False
    return age >= float(a.cache_valid_time)


def _jobs(ctx: Ctx, a: Arguments, apt: AptGet, wishes: "Sequence[dpkg.Wish]") -> "list[Job]":
    jobs = []
    upgrade = _upgrade(a)
    if a.state == "fixed":
        jobs.append(Job(("--fix-broken", "install")))
    if upgrade is not None:
        jobs.append(Job(("dist-upgrade",) if upgrade == "dist" else ("--with-new-pkgs", "upgrade")))
        return jobs
    if a.deb is not None:
        jobs.extend(_deb_job(ctx, a))
    if not wishes:
        return jobs
    if a.state == "build-dep":
        return [*jobs, Job(("build-dep", "--", *(wish.name for wish in wishes)))]
    database = dpkg.Database.read(ctx)
    more = ("--auto-remove",) if a.autoremove else ()
    if a.state == "absent":
        names = tuple(aptwishes.to_remove(ctx, a, database, wishes))
        words = ("purge" if a.purge else "remove", *more, "--", *names)
        return [*jobs, Job(words, names, _versions(database, names))] if names else jobs
    missing = aptwishes.missing(ctx, a, database, wishes)
    if a.state == "latest":
        missing = [
            wish for wish in wishes if not (a.only_upgrade and not aptwishes.is_installed(ctx, database, wish.name))
        ]
    if missing:
        names = tuple(wish.name for wish in missing)
        before = None if a.state == "latest" else _versions(database, names)
        after = {wish.name: wish.version or "installed" for wish in missing}
        jobs.append(
            Job(("install", *more, "--", *(aptwishes.specifier(ctx, wish) for wish in missing)), names, before, after)
        )
    return jobs


def _versions(database: dpkg.Database, names: "Sequence[str]") -> "dict[str, str]":
    found = [(name, database.find(name)) for name in names]
    return {name: package.version for name, package in found if package is not None and package.version}


def _deb_job(ctx: Ctx, a: Arguments) -> "list[Job]":
    if "://" in a.deb:
        raise ctx.fail("`deb` takes a file on the host; fetch %s with `get_url` and its checksum first" % a.deb)
    path = ctx.expand(a.deb)
    if ctx.stat(path, follow=True) is None:
        if ctx.check and ctx.predicted("path", path) is not None:
            raise ctx.unknown("what is in %s is not known before it is there" % path)
        raise ctx.fail("Unable to find the package file %s on the host" % path)
    shown = ctx.query(["dpkg-deb", "--show", "--showformat=${Package}\n${Version}", path], check=True).stdout.split(
        "\n"
    )
    installed = dpkg.Database.read(ctx).find(shown[0])
    if installed is not None and installed.is_installed and installed.version == shown[1]:
        return []
    if (
        installed is not None
        and installed.is_installed
        and dpkg.compare_versions(installed.version, shown[1]) > 0
        and not (a.allow_downgrade or a.force)
    ):
        raise ctx.fail(
            "A later version of %s is already installed: %s; `allow_downgrade: true` goes back to %s"
            % (shown[0], installed.version, shown[1])
        )
    return [Job(("install", "--", path), (shown[0],))]


def _heal(ctx: Ctx, apt: AptGet, outcome: Result) -> None:
    broken = interrupted(ctx)
    if broken is not None:
        outcome.changed = True
        outcome.diff = {"before": dict.fromkeys(broken, "half installed"), "after": dict.fromkeys(broken, "installed")}
        if not ctx.check:
            apt.heal()


def _do(ctx: Ctx, apt: AptGet, a: Arguments, job: Job, outcome: Result) -> None:
    """Carry one job out, or predict it."""
    simulated, steps = apt.simulate(job.words)
    if ctx.check and simulated.rc:
        steps = _unsimulated(ctx, job, simulated, outcome)
    if simulated.rc == 0 and not steps:
        return
    if not ctx.check:
        with_policy = a.policy_rc_d is not None
        if with_policy:
            old = ctx.read(_POLICY)
            ctx.write(_POLICY, b"#!/bin/sh\nexit %d\n" % a.policy_rc_d, mode="0755")
        try:
            done = apt.change(job.words)
        finally:
            if with_policy:
                _put_back(ctx, old)
        outcome.data.update(stdout=done.stdout, stderr=done.stderr)
        if simulated.rc:  # the simulation failed for old lists, which `change` has refreshed
            steps = [Step(name, "", "installed") for name in job.names]
    _record(ctx, outcome, job, steps)


def _unsimulated(ctx: Ctx, job: Job, simulated: Any, outcome: Result) -> "list[Step]":
    """Check mode: what to expect of a job that apt can't simulate yet."""
    lists = ctx.predicted("path", LISTS)
    awaited = lists is not None or lists_age(ctx) is None or any(entry[1] == LISTS for entry in outcome.predictions)
    removal = job.words[0] in ("remove", "purge")
    if removal and all(ctx.predicted("package", name) is not None for name in job.names):
        return [Step(name, "installed", "") for name in job.names]
    if not awaited:
        raise failure(ctx, job.words[0], simulated)
    return [Step(name, "", "installed") for name in job.names]


def _put_back(ctx: Ctx, old: Optional[bytes]) -> None:
    if old is None:
        ctx.remove(_POLICY)
    else:
        ctx.write(_POLICY, old)


def _record(ctx: Ctx, outcome: Result, job: Job, steps: "Sequence[Step]") -> None:
    outcome.changed = True
    if ctx.want_diff:
        shown = outcome.diff or {"before": {}, "after": {}}
        extra = difference(steps) if job.before is None else {"before": job.before, "after": job.after}
        outcome.diff = {side: {**shown[side], **extra[side]} for side in ("before", "after")}
    outcome.data.setdefault("packages", {}).update({step.name: step.after or "removed" for step in steps})
    predicted = [
        ("package", step.name, {"kind": "present", "version": step.after} if step.after else {"kind": "absent"})
        for step in steps
    ]
    some: "list[Any]" = [("package", "*", {"kind": "present"})] if any(step.after for step in steps) else []
    outcome.predictions = [*outcome.predictions, *predicted, *some]


def _mark_manual(ctx: Ctx, wishes: "Sequence[dpkg.Wish]") -> None:
    """Packages that a task names are wanted for themselves: autoremove must not take them away."""
    states = "\n\n" + (ctx.read_text(_EXTENDED) or "")
    automatic = [
        wish.name
        for wish in wishes
        if re.search(r"\n\nPackage: %s\n(?:[^\n]+\n)*?Auto-Installed: 1" % re.escape(wish.name), states)
    ]
    if automatic:
        ctx.run(["apt-mark", "-q", "manual", "--", *automatic], check=True)


def _clean_up(ctx: Ctx, apt: AptGet, a: Arguments, outcome: Result) -> None:
    if a.autoremove and not outcome.changed:
        _do(ctx, apt, a, Job(("--purge", "autoremove") if a.purge else ("autoremove",)), outcome)
    for asked, word in ((a.autoclean, "autoclean"), (a.clean, "clean")):
        if not asked:
            continue
        if word == "autoclean":
            simulated, _ = apt.simulate([word])
            due = any(line.startswith("Del ") for line in simulated.stdout.splitlines())
        else:
            due = any(name.endswith(".deb") for name in ctx.listdir("/var/cache/apt/archives"))
        if due:
            outcome.changed = True
            if not ctx.check:
                apt.change([word])
