"""What the user's ssh settings say about a host: asked of `ssh -G`, or of a small reader where ssh is not installed.

`ssh -G` is the only reader that knows all of ssh_config (Include, Match, canonical names). It costs 14 ms, so a
resolver keeps its answers for the run.
"""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from provisioner.diag import HostUnreachable
from provisioner.transport.sshread import read_config

_WITH_VALUE = frozenset("oJFiplcmbI")
_ALONE = frozenset("46AaCqvTxkKnt")
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class HostSettings:
    """Settings of one host, files expanded. Empty lists are what ssh calls `none`."""

    hostname: str
    port: int
    user: str
    identity_files: tuple[str, ...] = ()
    certificate_files: tuple[str, ...] = ()
    identities_only: bool = False
    identity_agent: str | None = None
    """The agent's socket; None: none."""
    user_known_hosts: tuple[str, ...] = ()
    system_known_hosts: tuple[str, ...] = ()
    host_key_alias: str | None = None
    hash_known_hosts: bool = False
    proxy_jump: tuple[str, ...] = ()
    proxy_command: str | None = None
    bind_address: str | None = None
    address_family: int = socket.AF_UNSPEC


@dataclass(slots=True)
class Resolver:
    """Settings by host, asked once each. Safe to use from several threads."""

    program: str | None = field(default_factory=lambda: shutil.which("ssh"))
    """The ssh to ask; None: use the small reader."""
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    _known: dict[tuple[str, tuple[str, ...]], HostSettings] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def settings(self, host: str, *, user: str | None = None, port: int | None = None,
                 arguments: Sequence[str] = ()) -> HostSettings:
        """What ssh would use for `ssh ARGUMENTS -l USER -p PORT HOST`."""
        options = list(checked_arguments(arguments, host))
        if user:
            options += ["-l", user]
        if port:
            options += ["-p", str(port)]
        key = (host, tuple(options))
        with self._lock:
            found = self._known.get(key)
        if found is None:
            values = self._ask(host, options) if self.program else read_config(host, options)
            found = _settings(values, host, self.environment)
            with self._lock:
                self._known[key] = found
        return found

    def _ask(self, host: str, options: Sequence[str]) -> dict[str, list[str]]:
        assert self.program is not None
        try:
            done = subprocess.run([self.program, *options, "-G", "--", host], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, errors="surrogateescape", timeout=_TIMEOUT,
                                  check=False)
        except subprocess.TimeoutExpired:
            raise HostUnreachable(f"`ssh -G {host}` did not answer in {_TIMEOUT:.0f} s",
                                  hint="look for a `Match exec` that hangs in your ssh_config") from None
        if done.returncode != 0:
            said = "; ".join(line.strip() for line in done.stderr.splitlines() if "Pseudo-terminal" not in line)
            raise HostUnreachable(f"ssh does not accept the settings for {host}: {said}",
                                  hint="check ~/.ssh/config and `ansible_ssh_common_args`")
        values: dict[str, list[str]] = defaultdict(list)
        for line in done.stdout.splitlines():
            name, _, value = line.partition(" ")
            values[name.lower()].append(value.strip())
        return values


def checked_arguments(arguments: Sequence[str], host: str) -> tuple[str, ...]:
    """`arguments` if all are ssh options that say something about a connection; raises `HostUnreachable` if not."""
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        letter = word[1:2]
        if not word.startswith("-") or (letter not in _WITH_VALUE and not set(word[1:]) <= _ALONE) or word == "-":
            raise HostUnreachable(f"The ssh argument {word!r} of {host} is not supported",
                                  hint="use `-o Name=value`, `-J`, `-i`, `-p`, `-l` or `-F`")
        if letter in _WITH_VALUE and len(word) == 2:
            if not rest:
                raise HostUnreachable(f"The ssh argument {word!r} of {host} needs a value")
            rest.pop(0)
    return tuple(arguments)


def _settings(values: Mapping[str, Sequence[str]], host: str, environment: Mapping[str, str]) -> HostSettings:
    def first(name: str) -> str | None:
        value = next(iter(values.get(name, ())), "")
        return None if value.lower() in ("", "none") else value

    hostname, user = first("hostname") or host, first("user") or getpass.getuser()
    port = int(first("port") or 22)
    tokens = {"%%": "%", "%h": hostname, "%n": host, "%p": str(port), "%r": user, "%u": getpass.getuser(),
              "%d": str(Path.home()), "%L": socket.gethostname().split(".")[0], "%l": socket.gethostname(),
              "%k": first("hostkeyalias") or host, "%i": str(os.getuid())}

    def files(name: str) -> tuple[str, ...]:
        entries = [word for value in values.get(name, ()) for word in _words(value)]
        return tuple(os.path.expanduser(expand(entry, tokens)) for entry in entries if entry.lower() != "none")

    def whole(name: str) -> tuple[str, ...]:
        entries = [value.strip('"') for value in values.get(name, ())]
        return tuple(os.path.expanduser(expand(entry, tokens)) for entry in entries if entry.lower() != "none")

    family = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}.get(first("addressfamily") or "", socket.AF_UNSPEC)
    command = first("proxycommand")
    return HostSettings(
        hostname, port, user,
        identity_files=whole("identityfile"), certificate_files=whole("certificatefile"),
        identities_only=first("identitiesonly") == "yes",
        identity_agent=_agent(first("identityagent"), values, environment, tokens),
        user_known_hosts=files("userknownhostsfile"), system_known_hosts=files("globalknownhostsfile"),
        host_key_alias=first("hostkeyalias"), hash_known_hosts=first("hashknownhosts") == "yes",
        proxy_jump=tuple(hop.strip() for hop in (first("proxyjump") or "").split(",") if hop.strip()),
        proxy_command=expand(command, tokens) if command else None,
        bind_address=first("bindaddress"), address_family=family)


def _agent(setting: str | None, values: Mapping[str, Sequence[str]], environment: Mapping[str, str],
           tokens: Mapping[str, str]) -> str | None:
    if setting is None:
        return None if values.get("identityagent") else environment.get("SSH_AUTH_SOCK")
    if setting == "SSH_AUTH_SOCK" or setting.startswith("$"):
        return environment.get(setting.strip("${}"))
    return os.path.expanduser(expand(setting, tokens))


def expand(text: str, tokens: Mapping[str, str]) -> str:
    """ssh_config's %-tokens; an unknown one stays as it is."""
    parts = []
    at = 0
    while at < len(text):
        token = text[at:at + 2]
        parts.append(tokens.get(token, text[at]) if text[at] == "%" else text[at])
        at += 2 if text[at] == "%" and token in tokens else 1
    return "".join(parts)


def _words(value: str) -> list[str]:
    """Words of a list setting; a file name with spaces is in double quotes."""
    words: list[str] = []
    for number, part in enumerate(value.split('"')):
        words += [part] if number % 2 else part.split()
    return words
