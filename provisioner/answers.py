"""Answers the engine's questions on the controller: includes, variable files, and everything in `effects`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from provisioner import effects
from provisioner.diag import Diagnostic, InputError, Span, near
from provisioner.effects.prompts import prompted, take_step
from provisioner.engine.includes import Loaded, LoadInclude
from provisioner.lang.load import Loader
from provisioner.lang.source import LOCKED, near_file
from provisioner.lang.yaml import load_file
from provisioner.messages import Ask
from provisioner.ownlookups import OwnLookups
from provisioner.template.effects import OWN_LOOKUP, Effect, EffectFailure
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
    settings: Mapping[str, Value] = field(default_factory=dict)
    """By Ansible's names, for the lookup `config`."""
    lookups: OwnLookups = field(default_factory=OwnLookups)

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
        if effect.kind == "config":
            return config(effect.args, dict(effect.kwargs), self.settings)
        if effect.kind == OWN_LOOKUP:
            return self.lookups.answer(effect, ask.search, lambda inner: self.answer(replace(ask, effect=inner)))
        return effects.answer(effect, search_paths=ask.search, vault=vault)


def config(names: Sequence[Value], options: Mapping[str, Value], settings: Mapping[str, Value]) -> Value:
    """What each setting is. With `on_missing: skip` or `warn` those that are not known are left out.

    >>> config(["DEFAULT_FORKS"], {}, {"DEFAULT_FORKS": 5}), config(["NONE_SUCH"], {"on_missing": "skip"}, {})
    ([5], [])
    """
    missing = options.get("on_missing", "error")
    if missing not in ("error", "warn", "skip"):
        return EffectFailure(f'"on_missing" must be a string and one of "error", "warn" or "skip", not {missing}')
    found: list[Value] = []
    for name in names:
        if not isinstance(name, str):
            return EffectFailure(f'Invalid setting identifier, "{name}" is not a string, its a {type(name).__name__}')
        if name in settings:
            found.append(settings[name])
        elif missing == "error":
            hint = near(name, settings)
            return EffectFailure(f"Setting {name!r} was not found: it is none that is kept here"
                                 + (f" ({hint})" if hint else ""))
    return found


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
