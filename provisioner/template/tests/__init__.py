"""Tests (`x is y`) beside Jinja's own, one file a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

TESTS: Mapping[str, Callable[..., Any]] = {}
