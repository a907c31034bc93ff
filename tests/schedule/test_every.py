from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.schedule.every import When, seconds_of, when_of


@pytest.mark.parametrize(("text", "calendar", "delay"), [
    ("every 15 min", "*-*-* *:00/15:00", 90),
    ("every minute", "*-*-* *:*:00", 6),
    ("Every  2 Hours", "*-*-* 00/02:00:00", 300),
    ("every 30s", "*-*-* *:*:00/30", 3),
    ("every hour", "*-*-* *:00:00", 300),
    ("every 1 h", "*-*-* *:00:00", 300),
    ("every day", "*-*-* 00:00:00", 300),
    ("every 24 hours", "*-*-* 00:00:00", 300),
    ("every week", "Mon *-*-* 00:00:00", 300),
])  # fmt: skip
def test_an_interval_begins_at_the_full_unit(text: str, calendar: str, delay: int) -> None:
    assert when_of(text) == When((calendar,), delay)


def test_named_times_are_kept_to_the_second_and_in_this_machines_time() -> None:
    assert when_of("*-*-* 03:00") == When(("*-*-* 03:00",))
    assert when_of("hourly") == When(("hourly",))
    assert when_of("30 3 * * 1-5") == When(("Mon,Tue,Wed,Thu,Fri *-*-* 03:30:00",))
    assert when_of("0 0 1 * mon") == When(("*-*-01 00:00:00", "Mon *-*-* 00:00:00"))


@pytest.mark.parametrize(("text", "words"), [
    ("every 7 min", "1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30 do"),
    ("every 90 min", "hours in a day evenly"),
    ("every 0 min", "does not divide"),
    ("every 2 days", "at most a day, or a week"),
    ("every fortnight", "is not understood"),
    ("every", "is not understood"),
    ("@reboot", "is none of"),
    ("* * * * * *", "neither five fields"),
])  # fmt: skip
def test_what_can_not_be_said_exactly_is_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=r".+") as told:
        when_of(text)
    assert words in str(told.value)


@given(st.text(max_size=30).map(lambda text: f"every {text}"))
def test_no_text_becomes_another_line_of_a_unit(text: str) -> None:
    try:
        when = when_of(text)
    except ValueError:
        return
    assert not any(set("\n%=") & set(line) for line in when.calendars)


def test_durations() -> None:
    assert [seconds_of(text) for text in ("90", "30s", "10 min", "2h")] == [90, 30, 600, 7200]
    with pytest.raises(ValueError, match="no duration"):
        seconds_of("soon")
