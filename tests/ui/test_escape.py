"""H6: nothing that a host says reaches the terminal as a command."""

from __future__ import annotations

import json

import pytest

from provisioner.ui.escape import columns, crop, visible, visible_json, visible_lines

HOSTILE = [
    ("\x1b[31mred", "\\x1b[31mred"),
    ("\x1b]52;c;cm0gLXJmIC8=\x07", "\\x1b]52;c;cm0gLXJmIC8=\\x07"),
    ("good\rbad", "good\\x0dbad"),
    ("\u202eevil", "\\u202eevil"),
    ("\x9b31m", "\\x9b31m"),
    ("a\u2028b", "a\\u2028b"),
    ("\udc80", "\\udc80"),
    ("\U000e0001", "\\U000e0001"),
    ("two\nlines", "two\\x0alines"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_a_terminal_would_obey_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).isprintable()


@pytest.mark.parametrize("text", ["plain", "Grüße", "日本語", "no\u00a0break", "[/x] [link=file:///]"])
def test_readable_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_lines_keep_tabs_and_lose_carriage_returns_at_their_end() -> None:
    assert visible_lines("a\tb\r\nc\x0bd\n") == ["a\tb", "c\\x0bd"]


@pytest.mark.parametrize("text", [text for text, _ in HOSTILE if text != "\udc80"])
def test_escaped_json_means_the_same(text: str) -> None:
    raw = json.dumps({"out": text}, ensure_ascii=False, indent=1)
    assert json.loads(visible_json(raw)) == {"out": text}
    assert all(line.isprintable() for line in visible_json(raw).split("\n"))


def test_width_counts_wide_and_combining_characters() -> None:
    assert (columns("abc"), columns("日本"), columns("e\u0301")) == (3, 4, 1)


def test_crop_keeps_within_the_width_and_marks_the_cut() -> None:
    assert [crop("abcdef", width) for width in (6, 5, 1, 0)] == ["abcdef", "abcd…", "…", ""]
    assert crop("日本語", 4) == "日…"
