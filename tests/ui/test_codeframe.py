"""Messages with the line they are about."""

from __future__ import annotations

from pathlib import Path

from provisioner.diag import Diagnostic, Span
from provisioner.ui.codeframe import codeframe, codeframes, read_file_line, read_line_of_run


def lines(*source: str) -> dict[int, str]:
    return dict(enumerate(source, 1))


def frame(diagnostic: Diagnostic, *source: str) -> str:
    return codeframe(diagnostic, lambda _, number: lines(*source).get(number))


def test_everything_that_is_known_is_shown() -> None:
    shown = frame(
        Diagnostic("Duplicate key", "`a` is there twice", Span("f.yml", 2, 3), "remove one", "warning",
                   (("first defined here", Span("f.yml", 1, 1)),)),
        "a: 1", "  a: 2")
    assert shown == (
        "f.yml:2:3: warning: Duplicate key\n"
        "  `a` is there twice\n"
        "    2 |   a: 2\n"
        "      |   ^\n"
        "  first defined here: f.yml:1:1\n"
        "    1 | a: 1\n"
        "      | ^\n"
        "  remove one")


def test_a_message_without_a_place_or_a_line_stands_alone() -> None:
    assert frame(Diagnostic("No hosts")) == "error: No hosts"
    assert frame(Diagnostic("No hosts", span=Span("gone.yml", 9, 1))) == "gone.yml:9:1: error: No hosts"


def test_a_message_of_several_lines_is_shown_in_lines_and_what_it_quotes_stays_escaped() -> None:
    shown = frame(Diagnostic("web-1 is silent. Its console ends with:\n  \x1b[2Jlogin:\nerror: not ours\n",
                             span=Span("f.yml", 1, 1), hint="look\nagain"), "a: 1")
    assert shown == (
        "f.yml:1:1: error: web-1 is silent. Its console ends with:\n"
        "    \\x1b[2Jlogin:\n"
        "  error: not ours\n"
        "    1 | a: 1\n"
        "      | ^\n"
        "  look\n"
        "  again")


def test_the_caret_stands_under_the_place_behind_tabs_and_wide_letters() -> None:
    tabbed = frame(Diagnostic("x", span=Span("f", 1, 2)), "\ta: 1")
    assert tabbed.splitlines()[1:] == ["    1 |     a: 1", "      |     ^"]
    assert frame(Diagnostic("x", span=Span("f", 1, 3)), "日本x").splitlines()[2] == "      |     ^"


def test_control_characters_are_shown_escaped_everywhere() -> None:
    evil = "\x1b[31m\x07\u202e"
    shown = frame(Diagnostic("x", f"detail {evil}", Span(f"f{evil}", 1, 1), f"hint {evil}"), f"a: {evil}\r")
    assert shown.replace("\n", "").isprintable()
    assert shown.count("\\x1b[31m\\x07\\u202e") == 4


def test_a_long_line_is_cut_around_the_place() -> None:
    shown = frame(Diagnostic("x", span=Span("f", 1, 500)), "a" * 499 + "X" + "b" * 500)
    source, caret = shown.splitlines()[1:]
    assert len(source) < 120
    assert source[caret.index("^")] == "X"


def test_several_messages_end_with_their_number() -> None:
    items = [Diagnostic("One"), Diagnostic("Two"), Diagnostic("Three", severity="warning")]
    assert codeframes(items, lambda *_: None) == "error: One\n\nerror: Two\n\nwarning: Three\n\n2 errors"
    assert codeframes(items[:1], lambda *_: None) == "error: One"


def test_lines_are_read_from_files(tmp_path: Path) -> None:
    path = tmp_path / "f.yml"
    path.write_bytes(b"a\r\nb\xff\n")
    assert read_file_line(str(path), 1) == "a"
    assert read_file_line(str(path), 2) == "b\ufffd"
    assert read_file_line(str(path), 9) is None
    assert read_file_line(str(tmp_path / "gone"), 1) is None


def test_lines_of_a_file_with_no_log_are_not_shown_by_runs(tmp_path: Path) -> None:
    open_, hidden = tmp_path / "open.yml", tmp_path / "hidden.yml"
    open_.write_text("- debug:\n- fail:\n")
    hidden.write_text("- command: login hunter2\n  no_log: true\n- fail:\n")
    assert read_line_of_run(str(open_), 2) == "- fail:"
    assert [read_line_of_run(str(hidden), number) for number in (1, 3)] == [None, None]
    assert read_line_of_run(str(tmp_path / "none.yml"), 1) is None
