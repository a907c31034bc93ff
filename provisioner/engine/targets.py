"""Connection variables and keywords -> how to reach a host, and whom to become on it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from provisioner.diag import TemplateError
from provisioner.lang.model import Task
from provisioner.messages import Become, Target
from provisioner.remote.spec import to_bool
from provisioner.values import OMIT, HostName, Secret, Unknown

Lookup = Callable[[str], Any]
"""The rendered value of a variable, None when it is not set."""


@dataclass(frozen=True, slots=True)
class ConnectionDefaults:
    """What the command line says; keywords beat it, connection variables beat both."""

    connection: str | None = None
    remote_user: str | None = None
    private_key: str | None = None
    password: Secret | None = None
    become: bool = False
    become_user: str | None = None
    become_method: str | None = None
    become_password: Secret | None = None
    timeout: float | None = None
    host_key_checking: str = "strict"


CONNECT_TIMEOUT = 15.0
LOCAL_NAMES = frozenset(["localhost", "127.0.0.1", "::1"])


def _first(lookup: Lookup, *names: str) -> Any:
    for name in names:
        value = lookup(name)
        if isinstance(value, Unknown):
            raise TemplateError(f"`{name}` is not known yet: {value.reason}")
        if value is not None:
            return value
    return None


def opened(value: Any) -> Any:
    """The text of a secret, anything else as it is: whom to connect to has to be known, encrypted or not.

    Also for names of hosts, files and the like. The text is masked in output all the same.
    """
    if isinstance(value, (list, tuple)):
        return [opened(item) for item in value]
    return value.reveal() if isinstance(value, Secret) else value


def _text(value: Any) -> str | None:
    return None if value is None else str(opened(value))


def _secret(value: Any) -> Secret | None:
    return value if value is None or isinstance(value, Secret) else Secret(str(value))


def _number(value: Any, what: str) -> int | None:
    try:
        return None if value is None else int(opened(value))
    except (TypeError, ValueError):
        raise TemplateError(f"`{what}` must be a number, not {value!r}") from None


def _words(value: Any, what: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(str(opened(value))))
    except ValueError as error:
        raise TemplateError(f"`{what}` can't be read as arguments: {error}") from None


def _boolean(value: Any, what: str) -> bool:
    try:
        return to_bool(opened(value))
    except ValueError as error:
        raise TemplateError(f"`{what}`: {error}") from None


def target_of(host: HostName, lookup: Lookup, keyword: Callable[[str], Any], defaults: ConnectionDefaults,
              *, local: bool = False) -> Target:
    """How to reach `host`.

    lookup: variables of that host (of the delegate, for a delegated task). keyword: rendered task keywords.
    local: this machine by its name, unless a variable says otherwise.
    """
    connection = _text(_first(lookup, "ansible_connection")) or _text(keyword("connection"))
    if connection is None:
        connection = "local" if local else defaults.connection or "ssh"
    python = _text(_first(lookup, "ansible_python_interpreter"))
    if python is not None and python.startswith("auto"):
        python = None
    if connection == "local":
        return Target(host, connection="local", python=python)
    if connection not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise TemplateError(f"connection `{connection}` is not known", hint="use `ssh` or `local`")
    port = _first(lookup, "ansible_port", "ansible_ssh_port")
    key = _first(lookup, "ansible_ssh_private_key_file", "ansible_private_key_file") or defaults.private_key
    timeout = _first(lookup, "ansible_timeout", "ansible_ssh_timeout") or defaults.timeout
    known_hosts = _first(lookup, "ansible_ssh_known_hosts_file")
    checking = _first(lookup, "ansible_host_key_checking", "ansible_ssh_host_key_checking")
    return Target(
        host,
        connection="ssh",
        address=_text(_first(lookup, "ansible_ssh_host", "ansible_host")) or host,
        port=_number(port if port is not None else keyword("port"), "ansible_port"),
        user=_text(_first(lookup, "ansible_user", "ansible_ssh_user")) or _text(keyword("remote_user"))
        or defaults.remote_user,
        key_files=(str(opened(key)),) if key else (),
        password=_secret(_first(lookup, "ansible_password", "ansible_ssh_password", "ansible_ssh_pass"))
        or defaults.password,
        python=python,
        known_hosts=(str(opened(known_hosts)),) if known_hosts else (),
        host_key_alias=_text(_first(lookup, "ansible_ssh_host_key_alias")),
        host_key_checking=_checking(checking, defaults),
        connect_timeout=float(_number(timeout, "ansible_timeout") or CONNECT_TIMEOUT),
        ssh_args=_arguments(lookup),
    )


def _checking(value: Any, defaults: ConnectionDefaults) -> str:
    if value is None or value == "strict":
        return defaults.host_key_checking
    if value == "accept-new":
        return "accept-new"
    if _boolean(value, "ansible_host_key_checking"):
        return "strict"
    raise TemplateError("`ansible_host_key_checking: false` is refused: a connection nobody verified is no connection",
                        hint="use `accept-new` to store unknown keys at the first connection")


def _arguments(lookup: Lookup) -> tuple[str, ...]:
    words: list[str] = []
    for name in ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"):
        value = _first(lookup, name)
        if value:
            words += _words(value, name)
    return tuple(words)


def become_of(lookup: Lookup, keyword: Callable[[str], Any], defaults: ConnectionDefaults,
              target: Target) -> Become | None:
    """Whom to become; None when not at all, or when the connection's user is that one already."""
    wanted = _first(lookup, "ansible_become")
    if wanted is None:
        wanted = keyword("become")
    if wanted is None:
        wanted = defaults.become
    if not _boolean(wanted, "become"):
        return None
    user = _text(_first(lookup, "ansible_become_user")) or _text(keyword("become_user")) or defaults.become_user
    user = user or "root"
    if target.connection == "ssh" and target.user == user:
        return None
    method = _text(_first(lookup, "ansible_become_method")) or _text(keyword("become_method"))
    flags = _first(lookup, "ansible_become_flags") or keyword("become_flags")
    password = _first(lookup, "ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
    exe = _first(lookup, "ansible_become_exe") or keyword("become_exe")
    return Become(user, method or defaults.become_method or "sudo",
                  _secret(password) or defaults.become_password, _text(exe),
                  _words(flags, "become_flags") if flags else ())


def keywords_of(task: Task, render: Callable[[Any], Any]) -> Mapping[str, Any]:
    """The connection keywords of a task, rendered; without those it has not, and those that come out as `omit`."""
    become = task.become
    written = {
        "connection": task.connection, "remote_user": task.remote_user, "port": task.port,
        "become": become.enabled, "become_user": become.user, "become_method": become.method,
        "become_flags": become.flags, "become_exe": become.exe,
    }
    rendered = {name: render(value) for name, value in written.items() if value is not None}
    return {name: value for name, value in rendered.items() if value is not OMIT}
