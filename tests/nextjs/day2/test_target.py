"""Which release `rollback` goes to."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.diag import UsageError
from provisioner.nextjs.day2.target import Goal, target
from provisioner.values import HostName

A, B, C = "aaaa1111aaaa", "aaab2222aaab", "cccc3333cccc"


def report(
    runs: str = C, back: str | None = B, kept: tuple[str, ...] = (A, B, C), *, undoes: bool = False
) -> dict[str, Any]:
    return {
        "release": runs,
        "rollback_to": back,
        "undoes": undoes,
        "releases": [{"id": name, "runs": name == runs, "can_start": name != A} for name in kept],
    }


def hosts(**reports: dict[str, Any]) -> dict[HostName, dict[str, Any]]:
    return {HostName(name): each for name, each in reports.items()}


def test_without_a_name_it_is_the_release_that_the_running_one_replaced() -> None:
    assert target(hosts(one=report(), two=report()), None) == Goal(B)


def test_a_release_that_changed_only_its_variables_is_taken_back_itself() -> None:
    changed = report(back=C, undoes=True)
    assert target(hosts(one=changed, two=changed), None) == Goal(C, undoes=True)
    with pytest.raises(UsageError, match="different releases before"):
        target(hosts(one=changed, two=report()), None)


def test_the_beginning_of_an_id_is_enough() -> None:
    assert target(hosts(one=report()), "aaab") == Goal(B)


@pytest.mark.parametrize(("wanted", "words", "hint"), [
    ("aaa", "beginning of several", f"{A}, {B}"),
    ("aaab2222aaax", "no release 'aaab2222aaax'", f"did you mean `{B}`?"),
    ("zz", "no release 'zz'", f"there is {B}"),
    ("aaaa", f"{A} can't be started again on one", f"there is {B}"),
])  # fmt: skip
def test_a_wrong_name_says_which_there_are(wanted: str, words: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        target(hosts(one=report()), wanted)
    assert words in caught.value.message
    assert caught.value.hint == hint


def test_a_release_that_one_host_has_no_more_is_refused_before_any_host_is_touched() -> None:
    with pytest.raises(UsageError, match="on two"):
        target(hosts(one=report(), two=report(kept=(C,))), None)


def test_hosts_that_would_go_to_different_releases_have_to_be_told_which() -> None:
    with pytest.raises(UsageError, match=f"one: {B}, two: {C}"):
        target(hosts(one=report(), two=report(runs=B, back=C)), None)


def test_the_first_release_has_none_before_it() -> None:
    with pytest.raises(UsageError, match="no release before"):
        target(hosts(one=report(runs=B, back=None, kept=(B,))), None)
