from __future__ import annotations

import json

from provisioner.ui.lines import dump, failure_block, failure_head, live_lines, to_json
from provisioner.values import Secret


def test_a_result_is_one_line_of_sorted_json() -> None:
    assert dump({"rc": 1, "changed": True, "msg": "a\nb"}) == '{"changed": true, "msg": "a\\nb", "rc": 1}'


def test_what_the_line_says_otherwise_is_left_out() -> None:
    result = {"changed": False, "failed": True, "skipped": False, "warnings": ["w"], "exception": "Traceback",
              "_ansible_no_log": False, "diff": {}, "stdout": "x", "stdout_lines": ["x"], "stderr_lines": []}
    assert json.loads(dump(result)) == {"changed": False, "stdout": "x", "stderr_lines": []}


def test_three_v_show_everything_indented() -> None:
    text = dump({"stdout": "x" * 20_000, "stdout_lines": ["x"]}, 3)
    assert json.loads(text) == {"stdout": "x" * 20_000, "stdout_lines": ["x"]}
    assert text.startswith('{\n    "stdout"')


def test_a_huge_text_is_cut_in_the_middle() -> None:
    shown = json.loads(dump({"stdout": "a" * 50_000 + "end"}))["stdout"]
    assert len(shown) < 11_000
    assert shown.endswith("aend")
    assert "(40003 characters left out)" in shown


def test_json_of_hostile_text_is_safe_and_still_json() -> None:
    text = to_json({"out": "\x1b]0;x\x07\u202e\x9b"})
    assert text.isprintable()
    assert json.loads(text) == {"out": "\x1b]0;x\x07\u202e\x9b"}


def test_whatever_is_no_json_becomes_text() -> None:
    assert to_json({"s": Secret("x"), "t": {3, 1}}) == '{"s": "********", "t": [1, 3]}'
    assert to_json({1: "a", "b": 2}) == '{"1": "a", "b": 2}'


def test_a_short_failure_needs_no_block() -> None:
    assert failure_block({"msg": "no such user"}) == []


def test_the_block_has_the_message_the_hint_and_the_last_ten_lines() -> None:
    result = {"msg": "one\ntwo", "hint": "look\nthere", "stderr": "\n".join(f"e{n}" for n in range(12)),
              "stdout": "o\x1b[1m"}
    assert failure_block(result) == [
        "  | one", "  | two", "  | hint: look", "  |       there", "  | stderr, the last 10 of 12 lines:",
        *(f"  |   e{n}" for n in range(2, 12)), "  | stdout:", "  |   o\\x1b[1m"]


def test_output_that_was_shown_live_is_not_repeated() -> None:
    assert failure_block({"msg": "m", "stderr": "e"}, live=True) == []


def test_live_output_stands_in_where_the_result_has_none() -> None:
    assert failure_block({"msg": "m"}, ["a", "b"]) == ["  | output:", "  |   a", "  |   b"]


def test_the_traceback_needs_three_v() -> None:
    result = {"msg": "m", "exception": "Traceback\n  boom"}
    assert failure_block(result) == []
    assert failure_block(result, verbosity=3) == ["  | exception:", "  |   Traceback", "  |     boom"]


def test_progress_bars_become_lines() -> None:
    assert live_lines("10%\r20%\r\n\n30% \x1b[K\n") == ["10%", "20%", "30% \\x1b[K"]


def test_above_a_failure_stand_its_message_and_the_lines_where_it_came_from() -> None:
    def read_line(path: str, number: int) -> str | None:
        lines = {4: "  tasks:", 5: "    - debug:", 6: "        msg: '{{ x\x1b }}'"}
        return lines.get(number) if path == "a.yml" else None

    result = {"msg": "a.yml:6:14: 'x' is undefined\nmore"}
    assert failure_head(result, "a.yml:5", read_line) == [
        "[ERROR]: Task failed: 'x' is undefined", "Origin: a.yml:6:14", "",
        "    4 |   tasks:", "    5 |     - debug:", "    6 |         msg: '{{ x\\x1b }}'", "      |              ^", ""]
    assert failure_head({"msg": "m"}, "a.yml:5", read_line)[3:] == ["    4 |   tasks:", "    5 |     - debug:", ""]
    assert failure_head(result, "b.yml:5", read_line)[3:] == [
        "    6 |         msg: '{{ x\\x1b }}'", "      |              ^", ""]
    assert failure_head({"msg": "m"}, "b.yml:5", read_line) == ["[ERROR]: Task failed: m", "Origin: b.yml:5", ""]
    assert failure_head({"censored": "hidden"}, "a.yml:5", read_line) == ["[ERROR]: Task failed", "Origin: a.yml:5", ""]
    assert failure_head({}, "", read_line) == ["[ERROR]: Task failed", ""]
