"""Answers to what templates ask of the controller's world: files, processes, the clock, random numbers.

`answer(effect, search_paths=…)` never raises for what a user can get wrong: it gives an `EffectFailure`.
"""

from __future__ import annotations

from provisioner.effects.answers import answer

__all__ = ["answer"]
