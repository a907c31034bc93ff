"""`ClientToken`, which moto stores and does not honour: the same token gives the same answer again."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Said = tuple[str, list[tuple[str, str]], bytes]
"""Status line, headers, body."""

_OF_THE_ATTEMPT = ("ClientToken", "DryRun")


@dataclass(frozen=True, slots=True)
class _Made:
    parameters: Mapping[str, str]
    said: Said


class Tokens:
    """enabled: switched off, repeated calls make repeated resources, as at a provider without idempotency."""

    def __init__(self) -> None:
        self.enabled = True
        self._made: dict[tuple[str, str, str], _Made] = {}
        self._lock = threading.RLock()

    def clear(self) -> None:
        self.enabled = True
        self._made.clear()

    @property
    def lock(self) -> threading.RLock:
        """Held from `earlier` to `keep`, so that two calls with one token do not both make something."""
        return self._lock

    def earlier(self, region: str, action: str, parameters: Mapping[str, str]) -> Said | Literal["differs"] | None:
        token = parameters.get("ClientToken")
        made = self._made.get((region, action, token)) if token and self.enabled else None
        if made is None:
            return None
        return made.said if made.parameters == _compared(parameters) else "differs"

    def keep(self, region: str, action: str, parameters: Mapping[str, str], said: Said) -> None:
        token = parameters.get("ClientToken")
        if token and said[0].startswith("200"):
            self._made[region, action, token] = _Made(_compared(parameters), said)


def _compared(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in _OF_THE_ATTEMPT}
