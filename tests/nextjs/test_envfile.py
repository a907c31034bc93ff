"""The env file: what systemd will read from it, and that a difference never shows a secret."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.remote.nextjs.envfile import difference, parse, render, unfit

VALUES = st.dictionaries(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
    st.text(st.characters(exclude_characters="\0", codec="utf-8")),
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
@given(VALUES)
def test_what_is_written_is_what_is_read(values: dict[str, str]) -> None:
    assert parse(render(values)) == values


@pytest.mark.parametrize("value", ['x"\nEVIL="1', "x\\\nEVIL=1", "$HOME `id`", "a\nEVIL=1"])
def test_no_value_becomes_a_variable_of_its_own(value: str) -> None:
    assert parse(render({"A": value})) == {"A": value}


def test_only_values_that_are_not_secret_are_shown() -> None:
    before = render({"A": "1", "KEY": "canary-old", "SAME": "canary-same", "GONE": "canary-gone"})
    after = render({"A": "2", "KEY": "canary-new", "SAME": "canary-same"})
    old, new = difference(before, after, {"A": "2"})
    assert "canary" not in old + new
    assert new.splitlines() == ["A=2", "KEY=******** (new)", "SAME=********"]
    assert old.splitlines() == ["A=******** (old)", "GONE=******** (old)", "KEY=******** (old)", "SAME=********"]


def test_values_that_systemd_would_drop_are_named() -> None:
    assert unfit({"A": "tab\tand\nline", "B": "bell\x07", "C": "nul\0", "D": "cr\r"}) == ["B", "C", "D"]
