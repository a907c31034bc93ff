"""The record of what was measured, and the page made of it."""

from __future__ import annotations

from tests.conformance.measure import Measured
from tests.conformance.record import PAGE, Record, page, read, section, updated
from tests.conformance.yardstick import QUICK, Target, unnamed

TARGET = Target("blocks:a.yml", "local", True, (None,) * 5, "hosts", (), "")
HOST = Target("stat", "ssh", True, (None,) * 5, "hosts", (), "")


def test_the_page_is_made_of_the_record() -> None:
    assert page(PAGE.read_text(), read()) == PAGE.read_text(), "write it by `./scripts/conformance --write …`"


def test_every_row_that_is_not_equal_has_a_reason_and_those_for_ci_are_equal() -> None:
    records = read()
    assert [record.target.name for record in records if record.verdict == "differs" and not record.why] == []
    assert {record.target.name for record in records if record.equal} >= QUICK


def test_a_new_verdict_replaces_the_old_one_and_ends_its_reason() -> None:
    old = [Record(TARGET, "differs", "a reason"), Record(HOST, "-", "no host")]
    measured = Measured(TARGET, True, (0,) * 5, 1.0, "")
    assert updated(old, [measured]) == [Record(TARGET, "equal", ""), old[1]]
    (worse, _) = updated(old, [Measured(TARGET, False, (0,) * 5, 1.0, "")])
    assert worse == old[0]


def test_the_section_counts_and_names_each_row_once() -> None:
    text = section([Record(TARGET, "equal", ""), Record(TARGET, "equal", ""), Record(HOST, "differs", "no such thing")])
    assert "2 rows about the language 2 are equal (100%)" in text
    assert "1 rows about modules 0 are equal (0%)" in text
    assert "2 rows that need no lab host (`local`) 2 are equal (100%)" in text
    assert "`blocks:a.yml` (×2)" in text
    assert "further" not in text
    assert "Of the 1 further targets 0 are equal (0%); 1 have not been run." in section([
        Record(unnamed("shell"), "-", "")])  # fmt: skip
    assert "| `stat` | no such thing |" in text
