"""Tests on files of the controller: each is the effect `stat`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2.runtime import Context
from jinja2.utils import pass_context

from provisioner.template.effects import Effect
from provisioner.template.lookups import scope_of
from provisioner.values import Value


@pass_context
def exists(context: Context, path: Value) -> bool:
    """
    >>> evaluate("'/etc' is exists"), evaluate("'/none/such' is exists")
    (True, False)
    """
    return _asked(context, "exists", path)


@pass_context
def file(context: Context, path: Value) -> bool:
    """
    >>> evaluate("'/etc/hosts' is file"), evaluate("'/etc' is file")
    (True, False)
    """
    return _asked(context, "file", path)


@pass_context
def directory(context: Context, path: Value) -> bool:
    """
    >>> evaluate("'/etc' is directory"), evaluate("'/etc/hosts' is directory")
    (True, False)
    """
    return _asked(context, "directory", path)


@pass_context
def link(context: Context, path: Value) -> bool:
    """
    >>> evaluate("'/proc/self' is link"), evaluate("'/etc' is link")
    (True, False)
    """
    return _asked(context, "link", path)


@pass_context
def link_exists(context: Context, path: Value) -> bool:
    """Whether there is anything of that name, a link that leads nowhere too.

    >>> evaluate("'/proc/self' is link_exists"), evaluate("'/none/such' is link_exists")
    (True, False)
    """
    return _asked(context, "link_exists", path)


@pass_context
def mount(context: Context, path: Value) -> bool:
    """
    >>> evaluate("'/' is mount"), evaluate("'/etc/hosts.d' is mount")
    (True, False)
    """
    return _asked(context, "mount", path)


@pass_context
def vaulted_file(context: Context, path: Value) -> bool:
    """
    >>> evaluate("'/etc/hosts' is vaulted_file")
    False
    """
    return _asked(context, "vaulted", path)


def _asked(context: Context, what: str, path: Value) -> bool:
    return bool(scope_of(context).effects.ask(Effect("stat", (what, str(path)))))


@pass_context
def same_file(context: Context, path: Value, other: Value) -> bool:
    """
    >>> evaluate("'/etc/hosts' is same_file('/etc/../etc/hosts')")
    True
    """
    return bool(scope_of(context).effects.ask(Effect("path", ("same_file", str(path), str(other)))))


def vault_encrypted(value: Value) -> bool:
    """
    >>> vault_encrypted("$ANSIBLE_VAULT;1.1;AES256\\n6162"), vault_encrypted("plain")
    (True, False)
    """
    return isinstance(value, str) and value.startswith("$ANSIBLE_VAULT;")


TESTS: Mapping[str, Callable[..., Any]] = {
    "exists": exists, "file": file, "is_file": file, "directory": directory, "is_dir": directory, "link": link,
    "is_link": link, "link_exists": link_exists, "mount": mount, "is_mount": mount, "same_file": same_file,
    "is_same_file": same_file, "vault_encrypted": vault_encrypted, "vaulted_file": vaulted_file,
}
