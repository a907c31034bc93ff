"""Journals of several hosts as one."""

from __future__ import annotations

import json
import threading

from provisioner.ui.merging import Entry, Merge, lines, parse


def journal(micros: int, message: object, **more: str) -> str:
    data = {"__REALTIME_TIMESTAMP": str(micros), "MESSAGE": message, "_SYSTEMD_UNIT": "shop@b.service", **more}
    return json.dumps(data) + "\n"


def test_entries_of_all_hosts_are_shown_by_their_times() -> None:
    shown: list[str] = []
    merge = Merge(lambda entry: shown.append(entry.message))
    merge.add(parse("web-1", journal(10, "first") + journal(30, "third")))
    merge.add(parse("web-2", journal(20, "second")))
    assert shown == []
    merge.close()
    assert shown == ["first", "second", "third"]


def test_live_entries_are_shown_without_waiting_for_the_end() -> None:
    seen = threading.Event()
    merge = Merge(lambda entry: seen.set(), live=True)
    merge.add(parse("web-1", journal(10, "now")))
    assert seen.wait(30)
    merge.close()


def test_a_line_says_when_where_and_in_which_slot() -> None:
    entry = next(parse("web-1", journal(1763838000123456, "listening")))
    assert lines(entry, ["web-1", "web-22"]) == ["2025-11-22 19:00:00.123 web-1  b | listening"]


def test_a_line_of_a_job_says_which_one() -> None:
    entry = next(parse("web-1", journal(0, "sent", _SYSTEMD_UNIT="shop-cron-mail.service")))
    assert lines(entry, ["web-1"])[0].endswith(" web-1 mail | sent")


def test_every_line_of_a_message_has_its_head() -> None:
    entry = Entry(0, "h", "shop@a", "one\ntwo")
    assert [line.partition("| ")[2] for line in lines(entry, ["h"])] == ["one", "two"]


def test_what_a_terminal_would_obey_is_shown_as_an_escape() -> None:
    bytes_of = list(b"\x1b[2Jgone\xff")
    entry = next(parse("h", journal(0, bytes_of)))
    assert lines(entry, ["h"])[0].endswith("| \\x1b[2Jgone\ufffd")


def test_errors_have_their_own_colour() -> None:
    entry = next(parse("h", journal(0, "boom", PRIORITY="3")))
    assert lines(entry, ["h"], lambda text, kind: f"<{kind}:{text}>" if kind else text)[0].endswith("| <failed:boom>")


def test_what_is_no_entry_is_left_out() -> None:
    assert list(parse("h", 'half a line\n{"MESSAGE": "no time"}\n[1]\n')) == []
