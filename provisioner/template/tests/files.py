"""Tests on files of the controller: each is the effect `stat`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.effects import Effect
from provisioner.template.lookups import scope_of
from provisioner.values import Value


def _asks(what: str) -> Callable[..., bool]:
    @pass_context
    def test(context: Context, path: Value) -> bool:
        return bool(scope_of(context).effects.ask(Effect("stat", (what, str(path)))))

    return test


@pass_context
def same_file(context: Context, path: Value, other: Value) -> bool:
    return bool(scope_of(context).effects.ask(Effect("path", ("same_file", str(path), str(other)))))


def vault_encrypted(value: Value) -> bool:
    """
    >>> vault_encrypted("$ANSIBLE_VAULT;1.1;AES256\\n6162"), vault_encrypted("plain")
    (True, False)
    """
    return isinstance(value, str) and value.startswith("$ANSIBLE_VAULT;")


TESTS: Mapping[str, Callable[..., Any]] = {
    name: _asks(what)
    for what, names in (("exists", ("exists",)), ("file", ("file", "is_file")), ("link", ("link", "is_link")),
                        ("directory", ("directory", "is_dir")), ("mount", ("mount", "is_mount")),
                        ("link_exists", ("link_exists",)))
    for name in names
} | {"same_file": same_file, "is_same_file": same_file, "vault_encrypted": vault_encrypted,
     "vaulted_file": _asks("vaulted")}
