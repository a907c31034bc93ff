"""Answers the engine's questions on the controller: includes, variable files, and everything in `effects`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from provisioner import effects
from provisioner.diag import Diagnostic, InputError, Span
from provisioner.effects.prompts import prompted, take_step
from provisioner.engine.includes import Loaded, LoadInclude
from provisioner.lang.load import Loader
from provisioner.lang.source import LOCKED, near_file
from provisioner.lang.yaml import load_file
from provisioner.messages import Ask
from provisioner.template.effects import Effect, EffectFailure
from provisioner.values import Value, Vault


def load_include(loader: Loader, request: LoadInclude) -> Loaded:
    """What a dynamic include names; raises `InputError`."""
    if request.include.kind == "tasks":
        return Loaded(loader.tasks(request.include, str(request.args["_raw_params"])))
    role = loader.role(request.include, request.args)
    return Loaded(role.nodes, role.sections, role.roles)


@dataclass(frozen=True, slots=True)
class ControllerAnswers:
    """The real `driver.Answerer`."""

    loader: Loader
    read_inventory: Callable[[], object]
    """Reads the inventory anew, for `meta: refresh_inventory`."""

    def answer(self, ask: Ask) -> Value:
        if isinstance(ask.effect, LoadInclude):
            return load_include(self.loader, ask.effect)
        effect: Effect = ask.effect
        vault = self.loader.options.vault
        if effect.kind == "vars_file":
            given = dict(effect.kwargs)
            return vars_file([str(name) for name in effect.args], given["playbook"], given["span"], vault)
        if effect.kind == "prompt":
            return prompted(*effect.args)
        if effect.kind == "step":
            return take_step(*effect.args)
        if effect.kind == "refresh_inventory":
            return self.read_inventory()
        if effect.kind == "reset_connection":
            return EffectFailure("connections are not reset: they are made once and kept")
        return effects.answer(effect, search_paths=ask.search, vault=vault)


def vars_file(candidates: list[str], playbook: str, span: Span | None = None,
              vault: Vault = LOCKED) -> Mapping[str, Value]:
    """The variables of the first file that exists, in the playbook's `vars/` or beside it. `span`: who names them."""
    directory = PurePath(playbook).parent
    tried: list[str] = []
    for name in candidates:
        for path in (directory / "vars" / name, directory / name):
            if os.path.isfile(path):
                return _mapping(Path(path), vault)
            tried.append(str(path))
    listed = ", ".join(f"`{path}`" for path in tried)
    detail = f"none of these exists: {listed}"
    raise InputError([Diagnostic("Variables file not found", detail, span, near_file(tried))])


def _mapping(path: Path, vault: Vault) -> Mapping[str, Value]:
    data = load_file(str(path), None, vault)
    if data is None:
        return {}
    if not isinstance(data, Mapping):
        raise InputError([Diagnostic("Wrong type", f"{path} must hold a mapping of variables", Span(str(path), 1),
                                     "write each variable as `name: value`")])
    return data
