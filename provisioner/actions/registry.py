"""Finds modules and their controller halves by file name; a module is imported when it is first used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import ModuleType

from provisioner.engine.modules import ModuleInfo
from provisioner.remote.spec import Spec

RETURNS_FACTS = frozenset({"setup", "package_facts", "service_facts", "mount_facts"})


def _load(package: str, name: str) -> ModuleType | None:
    full = f"{package}.{name}"
    return importlib.import_module(full) if name.isidentifier() and find_spec(full) else None


@dataclass(slots=True)
class Registry:
    """The real `engine.modules.Modules`."""

    _known: dict[str, ModuleInfo | None] = field(default_factory=dict)

    def get(self, name: str) -> ModuleInfo | None:
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def action(self, name: str) -> ModuleType:
        """The controller half of a driving module."""
        found = _load("provisioner.actions", name)
        assert found is not None, name
        return found

    def _find(self, name: str) -> ModuleInfo | None:
        action = _load("provisioner.actions", name)
        remote = _load("provisioner.remote.modules", name)
        if action is None and remote is None:
            return None
        spec: Spec | None = getattr(action, "SPEC", None) or getattr(remote, "SPEC", None)
        return ModuleInfo(
            name, spec, expand=getattr(action, "expand", None),
            drives=hasattr(action, "run") or hasattr(action, "run_batch"), batch=hasattr(action, "run_batch"),
            on_host=remote is not None, facts=name in RETURNS_FACTS)
