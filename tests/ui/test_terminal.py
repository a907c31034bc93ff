from __future__ import annotations

import io
import os

import pytest

from provisioner.ui.terminal import PlainScreen, size_of, write


def test_plain_lines_go_to_their_streams() -> None:
    out, err = io.StringIO(), io.StringIO()
    screen = PlainScreen(out, err)
    screen.print("one")
    screen.print("two", error=True)
    screen.close()
    assert (out.getvalue(), err.getvalue()) == ("one\n", "two\n")


def test_a_reader_who_goes_away_is_not_missed() -> None:
    read, end = os.pipe()
    os.close(read)
    with open(end, "w") as stream:
        for _ in range(3):
            write(stream, "x" * 100_000)


def test_other_errors_are_not_hidden() -> None:
    with open("/dev/full", "w") as stream:
        with pytest.raises(OSError, match="No space"):
            write(stream, "x")
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def test_what_is_no_terminal_has_a_usual_size() -> None:
    with open(os.devnull) as stream:
        assert size_of(stream) == (80, 24)
