"""Finds modules and their controller halves by file name; a module is imported when it is first used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import ModuleType

from provisioner.actions.library import Library
from provisioner.engine.modules import ModuleInfo
from provisioner.remote.spec import Spec

RETURNS_FACTS = frozenset({"setup", "getent", "package_facts", "service_facts", "mount_facts"})


def _load(package: str, name: str) -> ModuleType | None:
    full = f"{package}.{name}"
    return importlib.import_module(full) if name.isidentifier() and find_spec(full) else None


@dataclass(slots=True)
class Registry:
    """The real `engine.modules.Modules`. given: controller halves that are no files here."""

    given: Mapping[str, ModuleType] = field(default_factory=dict)
    library: Library = field(default_factory=Library)
    """Modules of the user's own; a module of ours is never replaced by one."""
    _known: dict[str, ModuleInfo | None] = field(default_factory=dict)

    def get(self, name: str) -> ModuleInfo | None:
        if name not in self._known:
            self._known[name] = self._find(name)
        return self._known[name]

    def action(self, name: str) -> ModuleType:
        """The controller half of a driving module."""
        found = self._half(name)
        assert found is not None, name
        return found

    def _find(self, name: str) -> ModuleInfo | None:
        action = self._half(name)
        remote = _load("provisioner.remote.modules", name)
        if action is None and remote is None:
            return self.library.info(name)
        spec: Spec | None = getattr(action, "SPEC", None) or getattr(remote, "SPEC", None)
        return ModuleInfo(
            name, spec, expand=getattr(action, "expand", None),
            drives=hasattr(action, "run") or hasattr(action, "run_batch"), batch=hasattr(action, "run_batch"),
            on_host=remote is not None, facts=name in RETURNS_FACTS, delegates=getattr(action, "delegates", None),
            once=getattr(action, "ONCE", False))

    def _half(self, name: str) -> ModuleType | None:
        return self.given.get(name) or _load("provisioner.actions", name)
