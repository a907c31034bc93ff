"""Crontab's fields as systemd's calendar expressions, which systemd itself takes where it is there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.calendars import calendars
from provisioner.lab import LabHost


@pytest.mark.parametrize(("schedule", "expected"), [
    ("* * * * *", ("*-*-* *:*:00 UTC",)),
    ("*/20 * * * *", ("*-*-* *:00,20,40:00 UTC",)),
    ("5 4 * * *", ("*-*-* 04:05:00 UTC",)),
    ("0 22 * * 1-5", ("Mon,Tue,Wed,Thu,Fri *-*-* 22:00:00 UTC",)),
    ("0 0 * * 7", ("Sun *-*-* 00:00:00 UTC",)),
    ("0 0 * * sun,SAT", ("Sun,Sat *-*-* 00:00:00 UTC",)),
    ("0 0 1,15 * 3", ("*-*-01,15 00:00:00 UTC", "Wed *-*-* 00:00:00 UTC")),
    ("0 0 */10 * 3", ("Wed *-*-01,11,21,31 00:00:00 UTC",)),
    ("15 10-18/4 1 jan,jul *", ("*-01,07-01 10,14,18:15:00 UTC",)),
    ("7/30 * * * *", ("*-*-* *:07,37:00 UTC",)),
    ("  0   3 * * *  ", ("*-*-* 03:00:00 UTC",)),
    ("@daily", ("*-*-* 00:00:00 UTC",)),
    ("@weekly", ("Sun *-*-* 00:00:00 UTC",)),
    ("hourly", ("hourly",)),
    ("Mon..Fri *-*-* 05:30 Europe/Berlin", ("Mon..Fri *-*-* 05:30 Europe/Berlin",)),
    ("*:0/15", ("*:0/15",)),
])  # fmt: skip
def test_a_schedule_means_these_times(schedule: str, expected: tuple[str, ...]) -> None:
    assert calendars(schedule) == expected


@pytest.mark.parametrize(("schedule", "words"), [
    ("60 * * * *", "`60` is no minute: 0 to 59"),
    ("* 24 * * *", "is no hour"),
    ("* * 0 * *", "is no day of the month"),
    ("* * * 13 *", "is no month"),
    ("* * * * 8", "is no day of the week"),
    ("*/0 * * * *", "is no minute"),
    ("1- * * * *", "is no minute"),
    (", * * * *", "is no minute"),
    ("5/ * * * *", "is no minute"),
    ("* 22-4 * * *", "write it as two"),
    ("0 0 30 2 *", "it would never run"),
    ("@reboot", "is none of @hourly"),
    ("", "neither five fields"),
    ("daily\nExecStart=/bin/sh", "neither five fields"),
    ("* * * * * *", "neither five fields"),
])  # fmt: skip
def test_what_is_no_schedule_is_refused(schedule: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        calendars(schedule)
    assert words in str(caught.value)


@given(st.text(max_size=30))
def test_nothing_but_times_comes_out(schedule: str) -> None:
    try:
        lines = calendars(schedule)
    except ValueError:
        return
    assert all("\n" not in line and "%" not in line and "=" not in line for line in lines)


def test_systemd_understands_what_is_made_of_crontabs(shared_lab_host: LabHost) -> None:
    for schedule in ("*/20 1-5 1,15 * 1-5", "0 0 * * 7", "15 10-18/4 1 jan,jul *", "* * 29 2 *"):
        for line in calendars(schedule):
            told = shared_lab_host.run(["systemd-analyze", "calendar", line]).stdout
            assert "Next elapse: never" not in told
