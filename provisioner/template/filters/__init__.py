"""Filters beside Jinja's own, one file a family; each is a plain function with an example in its docstring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.template.filters import dates, dicts, draws, encoding, numbers, paths, sets, text

FILTERS: Mapping[str, Callable[..., Any]] = {
    name: function
    for family in (text, sets, dicts, encoding, paths, numbers, dates, draws)
    for name, function in family.FILTERS.items()
}
