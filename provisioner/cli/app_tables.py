"""What `provision app status` and `releases` show: reports of hosts as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from provisioner.ui.colours import Paint, plain
from provisioner.ui.escape import visible
from provisioner.ui.table import Column, table

SOON = 14  # days

Reports = Mapping[str, Mapping[str, Any]]
"""Host -> what `nextjs_report` told about the app."""


def status_lines(reports: Reports, width: int | None, paint: Paint = plain) -> list[str]:
    """A table with a line for each host, and below it what needs more words."""
    rows = list(reports.items())
    health = [("unhealthy", "failed") if report["unhealthy"] else ("healthy", "ok") for _, report in rows]
    columns = [
        Column("HOST", [visible(host) for host, _ in rows]),
        Column("RELEASE", [_text(report["release"]) for _, report in rows]),
        Column("SLOT", [_slot(report) for _, report in rows], rank=3),
        Column("HEALTH", [word for word, _ in health], [kind for _, kind in health]),
        Column("UP", [_up(report) for _, report in rows], rank=1),
        Column("MEMORY", [_memory(report) for _, report in rows], rank=1),
        Column("RESTARTS", [str(sum(each["restarts"] for each in report["processes"])) for _, report in rows], rank=2),
        Column("NODE", [_text(report["node"]) for _, report in rows], rank=4),
        Column("NEXT", [_text(report["next"]) for _, report in rows], rank=5),
        Column("ROLLBACK TO", [_previous(report) for _, report in rows], rank=6),
        Column("BUILD", [_text(report["build_id"]) for _, report in rows], rank=7),
        Column("CERTIFICATE", [_certificate(report) for _, report in rows], rank=3),
        Column("OLD ASSETS", [_assets(report) for _, report in rows], rank=8),
    ]
    return [*table(columns, width, paint), *(line for host, report in rows for line in _remarks(host, report, paint))]


def releases_lines(reports: Reports, width: int | None, paint: Paint = plain) -> list[str]:
    """One line for each release over all hosts, what runs first."""
    merged: dict[str, dict[str, Any]] = {}
    for host, report in reports.items():
        for release in report["releases"]:
            entry = merged.setdefault(release["id"], {**release, "on": [], "runs_on": [], "warm_on": []})
            entry["on"].append(host)
            entry["started"] = max(entry["started"] or 0, release["started"] or 0) or None
            entry["runs_on"] += [host] if release["runs"] else []
            entry["warm_on"] += [host] if release["warm"] else []
    rows = sorted(merged.values(), key=lambda each: (bool(each["runs_on"]), each["started"] or 0), reverse=True)
    states = [_state(row, len(reports)) for row in rows]
    columns = [
        Column("RELEASE", [visible(row["id"]) for row in rows]),
        Column("STATE", [word for word, _ in states], [kind for _, kind in states]),
        Column("STARTED (UTC)", [_moment(row["started"]) for row in rows]),
        Column("BUILT (UTC)", [_text(row["created"])[:16].replace("T", " ") for row in rows], rank=2),
        Column("REVISION", [_text(row["revision"])[:12] for row in rows], rank=1),
        Column("BUILT BY", [_text(row["built_by"]) for row in rows], rank=3),
        Column("BUILT ON", [_text(row["built_on"]) for row in rows], rank=4),
        Column("NEXT", [_text(row["next"]) for row in rows], rank=5),
        Column("NODE", [_text(row["node"]) for row in rows], rank=6),
        Column("SIZE", [_bytes(row["size"]) for row in rows], rank=7),
        Column("ON", ["" if len(row["on"]) == len(reports) else ",".join(map(visible, row["on"])) for row in rows]),
    ]
    return table(columns, width, paint)


def _state(row: Mapping[str, Any], hosts: int) -> tuple[str, str]:
    if row["runs_on"]:
        return _where("runs", row["runs_on"], hosts), "ok"
    if row["warm_on"]:
        return _where("warm", row["warm_on"], hosts), "changed"
    return ("", "") if row["can_start"] else ("never started", "dim")


def _where(word: str, on: Sequence[str], hosts: int) -> str:
    return word if len(on) == hosts else f"{word} on {','.join(map(visible, on))}"


def _remarks(host: str, report: Mapping[str, Any], paint: Paint) -> list[str]:
    found: list[tuple[str, str]] = []
    if report["unhealthy"]:
        found.append((str(report["unhealthy"]), "failed"))
    if report["interrupted"]:
        found.append(_begun(report["interrupted"]))
    found += [(f"{each['unit']} does not start at boot ({each['enabled']})", "failed") for each in report["processes"]
              if each["enabled"] not in ("enabled", "enabled-runtime")]  # fmt: skip
    found += [(f"nothing answers over HTTPS for {each['name']}", "failed") for each in report["certificates"]
              if "days" not in each]  # fmt: skip
    found += [(f"the certificate for {each['name']} ends in {each['days']} days", "failed")
              for each in report["certificates"] if each.get("days", SOON) < SOON]  # fmt: skip
    if report["overrides"]:
        found.append((f"set by hand: {', '.join(report['overrides'])}", "changed"))
    return [paint(f"{visible(host)}: {visible(text)}", kind) for text, kind in found]


def _begun(begun: Mapping[str, Any]) -> tuple[str, str]:
    if begun["under_way"]:
        return f"a release of {begun['release']} is under way, at `{begun['step']}`", "changed"
    return (f"a release of {begun['release']} was interrupted at `{begun['step']}`: the next `provision apply`, "
            f"`rollback` or `restart` ends it", "failed")  # fmt: skip


def is_bad(report: Mapping[str, Any]) -> bool:
    """Whether somebody has to look after the app."""
    return bool(report["unhealthy"] or (report["interrupted"] and not report["interrupted"]["under_way"]))


def _slot(report: Mapping[str, Any]) -> str:
    if report["kind"] == "files":
        return "files"
    slot = _text(report["slot"])
    return f"{slot} x{len(report['processes'])}" if len(report["processes"]) > 1 else slot


def _previous(report: Mapping[str, Any]) -> str:
    """warm: it runs still, so that going back takes no start. as it was: the one that runs, with its earlier
    variables."""
    back = report["rollback_to"]
    warm = any(release["id"] == back and release["warm"] for release in report["releases"])
    words = ", ".join(word for word, holds in (("as it was", report["undoes"]), ("warm", warm)) if holds)
    return f"{_text(back)} ({words})" if words else _text(back)


def _up(report: Mapping[str, Any]) -> str:
    ages = [each["seconds"] for each in report["processes"] if each["seconds"] is not None]
    return duration(min(ages)) if ages else ""


def _memory(report: Mapping[str, Any]) -> str:
    sizes = [each["memory"] for each in report["processes"] if each["memory"] is not None]
    return _bytes(sum(sizes)) if sizes else ""


def _assets(report: Mapping[str, Any]) -> str:
    found = report["old_assets"]
    return f"{found['files']} ({_bytes(found['bytes'])})" if found["files"] else ""


def _certificate(report: Mapping[str, Any]) -> str:
    """What is left of the certificate that ends first."""
    days = [each["days"] for each in report["certificates"] if "days" in each]
    return f"{min(days)} d" if days else ""


def duration(seconds: int) -> str:
    """The two biggest units: 3 d 4 h, 5 min, 12 s."""
    for size, unit, rest, below in ((86400, "d", 3600, "h"), (3600, "h", 60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} {seconds % size // rest} {below}"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"


def _bytes(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"


def _moment(seconds: int | None) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M") if seconds else ""


def _text(value: object) -> str:
    return "" if value is None else visible(str(value))
