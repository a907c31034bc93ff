"""Filters beside Jinja's own, one file a family; each is a plain function with an example in its docstring.

A family with `HOMES` has the names of those collections besides (`ansible.utils.ipaddr`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.template.filters import (
    addresses,
    community,
    dates,
    dicts,
    draws,
    encoding,
    hardware,
    numbers,
    paths,
    sets,
    text,
    vaulting,
)

FILTERS: Mapping[str, Callable[..., Any]] = {
    name: function
    for family in (community, addresses, hardware, text, sets, dicts, encoding, paths, numbers, dates, draws,
                   vaulting)
    for name, function in family.FILTERS.items()
} | {
    f"{home}.{name}": function
    for family in (community, addresses, hardware)
    for home in family.HOMES
    for name, function in family.FILTERS.items()
} | {"community.general.random_mac": draws.random_mac}
