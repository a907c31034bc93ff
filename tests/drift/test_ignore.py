from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from provisioner.diag import InputError
from provisioner.drift.findings import UNKNOWN
from provisioner.drift.ignore import read_rules, split
from tests.drift.examples import H2, finding

RULES = """
ignore:
  - {host: "h1*", task: Motd, reason: the agency edits it, until: 2026-12-31}
  - {module: "apt*", reason: mirror is away, until: "2026-11-01"}
"""


def rules_of(folder: Path, text: str) -> str:
    (folder / "drift.yml").write_text(text)
    return str(folder / "site.yml")


def test_findings_that_fit_a_rule_are_ignored_until_its_day_is_over(tmp_path: Path) -> None:
    rules = read_rules(rules_of(tmp_path, RULES))
    findings = [finding(), finding(host=H2), finding(name="Other")]
    assert split(findings, rules, date(2026, 12, 31)) == (findings[1:], findings[:1])
    assert split(findings, rules, date(2027, 1, 1)) == (findings, [])


def test_what_could_not_be_checked_cannot_be_declared_clean(tmp_path: Path) -> None:
    rules = read_rules(rules_of(tmp_path, RULES))
    assert split([finding(UNKNOWN)], rules, date(2026, 1, 1)) == ([finding(UNKNOWN)], [])


def test_without_the_file_there_are_no_rules(tmp_path: Path) -> None:
    assert read_rules(str(tmp_path / "site.yml")) == []


@pytest.mark.parametrize(("text", "told"), [
    ("[]", "the keys"), ("ignores: []", "the keys"), ("ignore: {}", "a list of rules"),
    ("ignore: [x]", "a rule is a mapping"),
    ("ignore: [{hots: x}]", "no `hots`"), ("ignore: [{host: x, until: 2026-12-31}]", "needs `reason`"),
    ("ignore: [{host: x, reason: y}]", "needs `reason` and `until`"),
    ("ignore: [{host: x, reason: y, until: soon}]", "is no day"),
    ("ignore: [{reason: y, until: 2026-12-31}]", "needs one of")])  # fmt: skip
def test_mistakes_are_told_with_their_file(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError, match=told) as raised:
        read_rules(rules_of(tmp_path, text))
    assert raised.value.span is not None
    assert raised.value.span.file.endswith("drift.yml")
