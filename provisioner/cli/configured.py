"""Settings as defaults of the command line's options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from provisioner.settings import Settings, read_settings

_ON_HOSTS: Final = ("status", "releases", "rollback", "restart", "logs", "exec")
_VARIABLES: Final = ("list", "set", "unset")
_VAULT: Final = ("encrypt", "decrypt", "view", "edit", "create", "rekey", "encrypt-string", "site-key")
_PASSWORDS: Final = ("vault_id", "vault_password_file", "ask_vault_password")


def configure(context: click.Context) -> None:
    """Read the settings of this machine, user and directory, and make them the defaults of all commands."""
    settings = read_settings(os.environ, Path.cwd(), Path.home())
    context.obj = settings
    context.default_map = default_map(settings)


def settings_of(context: click.Context | None) -> Settings:
    """What `configure` has read; nothing special where a command is called by itself."""
    found = context.find_root().obj if context is not None else None
    return found if isinstance(found, Settings) else Settings()


def default_map(settings: Settings) -> dict[str, Any]:
    """Click's table of defaults: commands, and below them parameters."""
    options: Mapping[str, Any] = settings.options
    passwords = {name: options[name] for name in _PASSWORDS if name in options}
    sources = {"sources": options["inventory"]} if "inventory" in options else {}
    return {
        "apply": options,
        "plan": options,
        "drift": options,
        "app": {**dict.fromkeys(_ON_HOSTS, options), "env": dict.fromkeys(_VARIABLES, options)},
        "inventory": {**sources, **passwords},
        "vault": dict.fromkeys(_VAULT, passwords),
    }
