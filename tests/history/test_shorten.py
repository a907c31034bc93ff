from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.history.shorten import LONGEST_TEXT, kept, shortened


def test_what_went_well_keeps_only_its_message() -> None:
    assert kept("ok", {"changed": False, "msg": "fine", "stdout": "much"}) == {"changed": False, "msg": "fine"}


def test_what_is_told_twice_is_kept_once() -> None:
    result = {"stdout": "a\nb", "stdout_lines": ["a", "b"], "ansible_facts": {"x": 1}, "results": [1]}
    assert kept("changed", result, loop=True) == {"stdout": "a\nb"}
    assert kept("changed", result) == {"stdout": "a\nb", "results": [1]}


def test_of_a_huge_result_what_happened_is_kept() -> None:
    short = kept("failed", {"failed": True, "msg": "no", "lines": ["x" * 1000] * 1000})
    assert set(short) == {"failed", "msg", "left_out"}


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    text = shortened("a" + "x" * 5 * LONGEST_TEXT + "z")
    assert (text[0], text[-1]) == ("a", "z")
    assert f"{4 * LONGEST_TEXT + 2} characters left out" in text


@pytest.mark.parametrize(("value", "plain"), [
    ({1: (2, {3})}, {"1": [2, [3]]}), (Path("/x"), "/x"), (None, None), (1.5, 1.5), (True, True)])
def test_everything_is_plain_data(value: object, plain: object) -> None:
    assert shortened(value) == plain
