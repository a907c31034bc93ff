"""`drift.yml` beside the playbook: findings that are known and accepted, each with a reason and an end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

from provisioner.diag import Diagnostic, InputError, Span, near
from provisioner.drift.findings import UNKNOWN, Finding
from provisioner.drift.watchlist import FILE, KEY
from provisioner.lang.yaml import load_file

_KEYS: Final = ("ignore", KEY)
_MATCHED: Final = ("host", "task", "module", "item")
_FIELDS: Final = (*_MATCHED, "reason", "until")


@dataclass(frozen=True, slots=True)
class Rule:
    """Shell patterns; what is not given fits everything. until: the last day on which it counts."""

    reason: str
    until: date
    patterns: Mapping[str, str]

    def fits(self, finding: Finding) -> bool:
        values = {"host": finding.host, "task": finding.task.name, "module": finding.task.module, "item": finding.item}
        return all(fnmatchcase(values[name], pattern) for name, pattern in self.patterns.items())


def read_rules(playbook: str) -> list[Rule]:
    """The rules beside `playbook`. Raises `InputError`."""
    path = Path(playbook).parent / FILE
    if not path.is_file():
        return []
    data: Any = load_file(str(path))
    if not isinstance(data, dict) or not data or not data.keys() <= set(_KEYS):
        raise _wrong(path, "it has the keys `ignore`, with a list of rules, and `watch`, with a list of entries")
    rules = data.get("ignore", [])
    if not isinstance(rules, list):
        raise _wrong(path, "`ignore` is a list of rules")
    return [_rule(path, rule) for rule in rules]


def split(findings: Iterable[Finding], rules: Iterable[Rule], today: date) -> tuple[list[Finding], list[Finding]]:
    """(findings that count, findings that are ignored). What could not be checked can't be declared clean."""
    valid = [rule for rule in rules if rule.until >= today]
    counted: list[Finding] = []
    ignored: list[Finding] = []
    for finding in findings:
        accepted = finding.kind != UNKNOWN and any(rule.fits(finding) for rule in valid)
        (ignored if accepted else counted).append(finding)
    return counted, ignored


def _rule(path: Path, rule: Any) -> Rule:
    if not isinstance(rule, dict):
        raise _wrong(path, f"a rule is a mapping, not {rule!r}")
    for name in rule:
        if name not in _FIELDS:
            raise _wrong(path, f"a rule has no `{name}`", near(str(name), _FIELDS))
    if not rule.get("reason") or not rule.get("until"):
        raise _wrong(path, "every rule needs `reason` and `until`", "until: 2026-12-31")
    patterns = {name: str(rule[name]) for name in _MATCHED if name in rule}
    if not patterns:
        raise _wrong(path, f"a rule needs one of {', '.join(_MATCHED)}")
    try:
        return Rule(str(rule["reason"]), date.fromisoformat(str(rule["until"])), patterns)
    except ValueError:
        raise _wrong(path, f"`until: {rule['until']}` is no day", "until: 2026-12-31") from None


def _wrong(path: Path, detail: str, hint: str = "") -> InputError:
    return InputError([Diagnostic("Wrong rules for drift", detail, Span(str(path), 1), hint)])
