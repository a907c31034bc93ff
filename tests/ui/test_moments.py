from __future__ import annotations

import pytest

from provisioner.ui.moments import ago, ahead, took, utc


@pytest.mark.parametrize(("seconds", "told"), [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (7300, "2 h ago"),
                                               (200_000, "2 d ago")])  # fmt: skip
def test_how_long_ago(seconds: float, told: str) -> None:
    assert ago(1_000_000.0 - seconds, 1_000_000.0) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (65, "1 min 5 s"),
                                               (3720, "1 h 2 min")])
def test_how_long_it_took(seconds: float, told: str) -> None:
    assert took(seconds) == told


def test_moments_are_told_in_utc() -> None:
    assert utc(1_800_000_000.9) == "2027-01-15 08:00:00 UTC"


@pytest.mark.parametrize(("seconds", "told"), [(-5, "now"), (59, "now"), (60, "in 1 min"), (7300, "in 2 h")])
def test_what_is_to_come_is_told_likewise(seconds: float, told: str) -> None:
    assert ahead(1000 + seconds, 1000) == told
