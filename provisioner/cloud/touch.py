"""What a run may do to machines: in a file of its own, since every run has it and most have no machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

Confirm: TypeAlias = Callable[[str], bool]
"""Asks a question; whether the person in front of it says yes."""


@dataclass(frozen=True, slots=True)
class Touch:
    """targets, replace: names. saved: by site the digest of the plan that may be carried out, and no other; None: any,
    after it was confirmed."""

    targets: frozenset[str] = frozenset()
    replace: frozenset[str] = frozenset()
    destroy: bool = False
    saved: Mapping[str, str] | None = None
