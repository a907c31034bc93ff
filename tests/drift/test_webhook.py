from __future__ import annotations

import pytest

from provisioner.diag import UsageError
from provisioner.drift.webhook import send
from tests.drift.receiver import receiver


def test_the_text_is_posted() -> None:
    with receiver(200) as (url, got):
        assert send(url, "web-1: 1 drifted ✓") == ""
    assert got == ["web-1: 1 drifted ✓"]


def test_a_receiver_that_is_busy_is_asked_again_and_one_that_refuses_is_not() -> None:
    with receiver(503, 429, 200) as (url, got):
        assert send(url, "x", (0.0, 0.0)) == ""
        assert len(got) == 3
    with receiver(404) as (url, got):
        assert send(url, "x", (0.0, 0.0)) == "it answers 404"


def test_one_that_never_answers_is_told_without_its_address() -> None:
    with receiver() as (url, _):
        pass
    problem = send(url, "x", (0.0,))
    assert problem.startswith("no answer")
    assert "secret" not in problem


def test_only_web_addresses_are_taken() -> None:
    with pytest.raises(UsageError, match="not an http"):
        send("file:///etc/passwd", "x")
