"""What is told of a program that failed."""

from __future__ import annotations

import pytest

from provisioner.remote.nextjs.cage import allowance, last_lines, meminfo, was_killed
from provisioner.remote.sdk import Completed
from provisioner.testing.inprocess import make_context


@pytest.mark.parametrize(("done", "killed"), [
    (Completed(137, "Running TypeScript ...\nKilled\n", ""), True),
    (Completed(-9, "", ""), True),
    (Completed(1, "Killed\n", ""), True),
    (Completed(134, "", "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n"), True),
    (Completed(1, "Killed the old cache\n1\n2\n3\n4\n", "Error: no\n"), False),
    (Completed(1, "", "Error: no\n"), False),
])  # fmt: skip
def test_running_out_of_memory_is_recognised(done: Completed, killed: bool) -> None:
    assert was_killed(done) is killed


def test_the_last_lines_have_neither_colours_nor_blanks() -> None:
    done = Completed(1, "one\n\n\x1b[31mtwo\x1b[0m\n", "three\n")
    assert last_lines(done, 2) == "two\nthree"


def test_a_build_may_use_what_is_available_but_for_a_rest() -> None:
    context = make_context()
    assert 0 < allowance(context) < meminfo(context)["MemTotal"]
