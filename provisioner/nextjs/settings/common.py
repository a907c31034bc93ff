"""What several groups of settings share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provisioner.remote.spec import Arg


def with_defaults(options: Mapping[str, Arg], value: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: arg.default for name, arg in options.items()}, **value}


def as_text(value: Any) -> str:
    """As people mean it in YAML: `true` is "true"."""
    return str(value).lower() if isinstance(value, bool) else str(value)
