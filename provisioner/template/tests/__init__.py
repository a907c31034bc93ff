"""Tests (`x is y`) beside Jinja's own, one file a family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provisioner.template.tests import addresses, files, results, trust, values, versions

TESTS: Mapping[str, Callable[..., Any]] = {
    name: function
    for family in (addresses, results, values, versions, files, trust)
    for name, function in family.TESTS.items()
} | {f"ansible.utils.{name}": function for name, function in addresses.NETWORK.items()}
