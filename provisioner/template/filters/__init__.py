"""Filters beside Jinja's own, one file a family; each is a plain function with an example in its docstring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FILTERS: Mapping[str, Callable[..., Any]] = {}
