"""How many random cases a test of this folder takes, and what may come of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from provisioner.diag import ProvisionError
from provisioner.ui.codeframe import codeframes, read_file_line

T = TypeVar("T")

FEW, MANY = 150, 10_000
counted = pytest.mark.parametrize("cases", [
    pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
])  # fmt: skip
"""The same few for every change; with `./scripts/test -m slow tests/fuzz` other ones, and many."""

_PHASES = (Phase.generate, Phase.shrink)


def only_own_errors(cases: int, strategy: st.SearchStrategy[T], work: Callable[[T], object]) -> None:
    """`work` succeeds for every value, or raises a `ProvisionError` that can be shown to people."""

    @settings(max_examples=cases, deadline=None, derandomize=cases == FEW, database=None, phases=_PHASES,
              suppress_health_check=list(HealthCheck))
    @given(strategy)
    def one(value: T) -> None:
        try:
            work(value)
        except ProvisionError as error:
            shown = codeframes(error.diagnostics(), read_file_line)
        else:
            return
        assert shown

    one()
