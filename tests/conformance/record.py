"""What was measured last, kept in a table, and the page that is made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.conformance.measure import Measured
from tests.conformance.yardstick import OF_MODULES, Target, targets

RECORD = Path(__file__).with_name("measured.tsv")
PAGE = Path(__file__).parents[2] / "docs/compatibility.md"
_HEAD = """# What each row of targets.tsv and further.tsv gave last: `./scripts/conformance --write` keeps verdicts.
# verdict: equal, differs, or - where it was never run. why: the first thing that stops it, written by hand.
# target\tenvironment\tverdict\twhy
"""
_BEGIN, _END = "<!-- measured -->\n", "<!-- /measured -->\n"


@dataclass(frozen=True, slots=True)
class Record:
    target: Target
    verdict: str
    why: str

    @property
    def equal(self) -> bool:
        return self.verdict == "equal"


def read() -> list[Record]:
    """One for each row of the yardstick, in its order."""
    known: dict[tuple[str, str], tuple[str, str]] = {}
    for line in RECORD.read_text().splitlines():
        if not line.startswith("#"):
            name, environment, verdict, why = line.split("\t")
            known[name, environment] = verdict, why
    return [Record(target, *known.get(_key(target), ("-", ""))) for target in targets()]


def updated(records: Iterable[Record], results: Iterable[Measured]) -> list[Record]:
    """The records with new verdicts; a reason stays until the row is equal."""
    news = {_key(result.target): result.equal for result in results}
    return [record if (equal := news.get(_key(record.target))) is None else
            Record(record.target, "equal" if equal else "differs", "" if equal else record.why) for record in records]


def write(records: Iterable[Record]) -> None:
    """Both the table and the page."""
    kept = list(records)
    rows = ("\t".join([*_key(record.target), record.verdict, record.why]) for record in kept)
    RECORD.write_text(_HEAD + "\n".join(rows) + "\n")
    PAGE.write_text(page(PAGE.read_text(), kept))


def page(text: str, records: list[Record]) -> str:
    """`text` with what stands between the marks made anew."""
    before, _, rest = text.partition(_BEGIN)
    return before + _BEGIN + section(records) + _END + rest.partition(_END)[2]


def section(records: list[Record]) -> str:
    """The numbers, the rows that are equal, and a table of the others by their reasons."""
    named = [one for one in records if not one.target.further]
    groups = {
        "rows about the language": [one for one in named if one.target.directory not in OF_MODULES],
        "rows about modules": [one for one in named if one.target.directory in OF_MODULES],
        "rows that need no lab host (`local`)": [one for one in records if _kind(one) == ("local", False)],
        "rows that need one (`ssh`)": [one for one in records if _kind(one) == ("ssh", False)],
        "further targets": [one for one in records if one.target.further],
    }
    lines = [_counted(name, group) for name, group in groups.items() if group]
    lines += ["", "Equal:", _names(record for record in records if record.equal), "",
              "Not equal, or not run, with the first thing that stops each:", "", "| targets | why |", "|---|---|"]
    reasons: dict[str, list[Record]] = {}
    for record in records:
        if not record.equal:
            reasons.setdefault(record.why or "not run", []).append(record)
    lines += [f"| {_names(those)} | {why} |" for why, those in reasons.items()]
    return "\n".join(lines) + "\n"


def _kind(record: Record) -> tuple[str, bool]:
    return record.target.mode, record.target.further


def _counted(name: str, group: list[Record]) -> str:
    equal, never = sum(record.equal for record in group), sum(record.verdict == "-" for record in group)
    unrun = f"; {never} have not been run" if never else ""
    return f"* Of the {len(group)} {name} {equal} are equal ({equal / len(group):.0%}){unrun}."


def _names(records: Iterable[Record]) -> str:
    counted = Counter(record.target.name for record in records)
    return ", ".join(f"`{name}`" + (f" (×{count})" if count > 1 else "") for name, count in counted.items())


def _key(target: Target) -> tuple[str, str]:
    return target.name, " ".join(target.environment)
