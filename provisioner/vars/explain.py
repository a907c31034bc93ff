"""Who set a variable: every layer that has it, the winning one first."""

from __future__ import annotations

from provisioner.values import Value
from provisioner.vars.scope import Scope


def explain(scope: Scope, name: str) -> list[tuple[str, Value]]:
    """(label, value as written) for each layer with `name`; the first is the one that counts."""
    return [(label, variables[name]) for label, variables in scope.layers if name in variables]
