"""SSH connections: `fabric.Connection`s made by one factory, so that every one is verified, bounded and alone.

fabric by itself trusts any host key and shares key files between hosts that share a Config; each connection made
here has its own client, config and arguments, a socket of ours, our host key check before anything secret is sent,
and our order of keys. Only raw session channels are used: `SSHClient.exec_command` can dead-lock paramiko's thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import random
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import fabric
import paramiko

from provisioner.diag import HostUnreachable
from provisioner.messages import Target
from provisioner.transport import sockets
from provisioner.transport.connection import (
    Deadlines,
    Liveness,
    NoMoreSessions,
    StreamLost,
    guard,
)
from provisioner.transport.hostkeys import HostIdentity, Verifier, preferred_algorithms
from provisioner.transport.knownhosts import HostKey, KnownHosts, KnownHostsReader
from provisioner.transport.sshauth import Authenticator
from provisioner.transport.sshconfig import HostSettings, Resolver
from provisioner.transport.sshstream import GONE, NO_WORD, SshStream

_WEAK = {
    "ciphers": ["aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"],
    "macs": ["hmac-sha1", "hmac-md5", "hmac-sha1-96", "hmac-md5-96"],
    "kex": ["diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1", "diffie-hellman-group-exchange-sha1"],
}
_TRIES = 5
_MOST_HOPS = 8
Gate = Callable[[str], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What connections of a run share: nothing that one host could change for another."""

    resolver: Resolver
    known_hosts: KnownHostsReader = field(default_factory=KnownHostsReader)
    deadlines: Deadlines = Deadlines()
    liveness: Liveness = Liveness()
    gate: Gate = lambda hop: contextlib.nullcontext()
    """Held while a connection through this jump host is opened."""


@dataclass(frozen=True, slots=True)
class _Hop:
    """One end of a leg: where, who, and by which known keys."""

    host: str
    settings: HostSettings
    target: Target

    @property
    def user(self) -> str:
        return self.settings.user


def settings_of(target: Target, resolver: Resolver) -> HostSettings:
    """What is known about a target after the user's ssh settings."""
    return resolver.settings(target.address or target.host, user=target.user, port=target.port,
                             arguments=target.ssh_args)


def connect(target: Target, wiring: Wiring) -> SshConnection:
    """A connection to `target`, through its jump hosts, each of them verified and logged in to like any host.

    Raises `HostUnreachable` and its kinds. A server that is too busy to greet (MaxStartups) is tried again.
    """
    settings = settings_of(target, wiring.resolver)
    hops = [*_jumps(target, settings, wiring.resolver), _Hop(target.host, settings, target)]
    with wiring.gate(hops[0].settings.hostname) if len(hops) > 1 else contextlib.nullcontext():
        opened: list[SshConnection] = []
        try:
            for hop in hops:
                opened.append(_leg(hop, opened[-1] if opened else None, wiring))
        except BaseException:
            for connection in reversed(opened):
                connection.close()
            raise
    return opened[-1]


def _jumps(target: Target, settings: HostSettings, resolver: Resolver) -> list[_Hop]:
    """The jump hosts on the way, first leg first. A jump host's own ProxyJump counts when it is the first."""
    hops: list[_Hop] = []
    names = list(settings.proxy_jump)
    while names:
        if len(hops) >= _MOST_HOPS:
            raise HostUnreachable(f"More than {_MOST_HOPS} jump hosts on the way to {target.host}",
                                  hint="does a ProxyJump in ~/.ssh/config lead back to itself?")
        user, host, port = _parse_jump(names.pop(), target.host)
        jump_settings = resolver.settings(host, user=user, port=port, arguments=_config_file(target.ssh_args))
        # A jump host is the user's own affair: their keys and known hosts count, and what the target names beside.
        known = (*jump_settings.user_known_hosts, *jump_settings.system_known_hosts)
        own_keys = tuple(file for file in jump_settings.identity_files if os.path.exists(file))
        jump = Target(target.host, address=host, host_key_checking=target.host_key_checking,
                      connect_timeout=target.connect_timeout,
                      known_hosts=(*target.known_hosts, *known) if target.known_hosts else (),
                      key_files=(*target.key_files, *own_keys) if target.key_files else ())
        hops.insert(0, _Hop(host, jump_settings, jump))
        if not names:
            names = list(jump_settings.proxy_jump)
    return hops


def _config_file(arguments: Sequence[str]) -> tuple[str, ...]:
    """Of a target's ssh arguments only `-F` holds for its jump hosts, as with ssh itself."""
    words = list(arguments)
    for at, word in enumerate(words):
        if word == "-F":
            return tuple(words[at:at + 2])
        if word.startswith("-F"):
            return (word,)
    return ()


def _parse_jump(text: str, host: str) -> tuple[str | None, str, int | None]:
    """`[ssh://][user@]host[:port]`, an IPv6 address in brackets."""
    rest = text.removeprefix("ssh://").rstrip("/")
    user, at, place = rest.rpartition("@")
    name, colon, port = place.rpartition(":")
    if not colon or (place.startswith("[") and place.endswith("]")) or (":" in name and not name.startswith("[")):
        name, port = place, ""
    name = name.strip("[]")
    if not name or (port and not port.isdigit()):
        raise HostUnreachable(f"ProxyJump {text!r} of {host} is not of the form [user@]host[:port]")
    return (user if at else None), name, (int(port) if port else None)


def _leg(hop: _Hop, through: SshConnection | None, wiring: Wiring) -> SshConnection:
    for attempt in range(1, _TRIES + 1):
        try:
            return _open(hop, through, wiring)
        except _Turned as turned:
            if attempt == _TRIES:
                raise HostUnreachable(
                    f"{hop.host} accepts connections but closes them before it says that it speaks SSH: {turned}",
                    hint="sshd is busy or blocks this machine (MaxStartups, fail2ban), or the port is not SSH",
                ) from None
            time.sleep(random.uniform(0.5, 1.0) * 0.2 * 2**attempt)  # noqa: S311 - spreads load, no secret
    raise AssertionError("not reached")


class _Turned(Exception):
    """The server hung up before its banner."""


def _open(hop: _Hop, through: SshConnection | None, wiring: Wiring) -> SshConnection:
    settings, times = hop.settings, wiring.deadlines
    known = wiring.known_hosts.read(_known_hosts(hop))
    store = hop.target.known_hosts[:1] or settings.user_known_hosts[:1]
    identity = HostIdentity(settings.hostname, settings.port, hop.target.host_key_alias or settings.host_key_alias)
    verifier = Verifier(known, identity, hop.target.host_key_checking, store[0] if store else None,
                        settings.hash_known_hosts)
    sock, process = _socket(hop, through, wiring)
    made = fabric.Connection(
        settings.hostname, user=settings.user, port=settings.port, connect_timeout=None, forward_agent=False,
        config=fabric.Config(lazy=True, overrides={"load_ssh_configs": False}),
        connect_kwargs={
            "sock": sock, "timeout": times.banner + times.key_exchange, "banner_timeout": times.banner,
            "auth_timeout": times.authentication, "channel_timeout": times.channel,
            "disabled_algorithms": _WEAK,
            "transport_factory": _transport_factory(known, identity),
            "auth_strategy": Authenticator(hop.host, settings.user, settings, hop.target.key_files,
                                           hop.target.password),
        },
    )  # fmt: skip
    made.client = paramiko.SSHClient()
    made.client.set_missing_host_key_policy(_Policy(verifier))
    connection = SshConnection(made, hop.host, settings.user, process, times)
    began = time.monotonic()
    try:
        with guard(times.banner + times.key_exchange + times.authentication * 2, connection.close):
            made.open()
    except BaseException as error:
        connection.close()
        sock.close()
        if isinstance(error, GONE):
            raise _explained(error, hop, time.monotonic() - began, times) from None
        raise
    connection.through = through
    return connection


def _known_hosts(hop: _Hop) -> tuple[str, ...]:
    return hop.target.known_hosts or (*hop.settings.user_known_hosts, *hop.settings.system_known_hosts)


def _socket(hop: _Hop, through: SshConnection | None, wiring: Wiring) -> tuple[Any, subprocess.Popen[bytes] | None]:
    settings = hop.settings
    if through is not None:
        return through.forward(settings.hostname, settings.port), None
    if settings.proxy_command:
        return sockets.through_command(settings.proxy_command)
    return sockets.connect(settings.hostname, settings.port, timeout=hop.target.connect_timeout,
                           liveness=wiring.liveness, refused=wiring.deadlines.restart,
                           family=settings.address_family,
                           bind=settings.bind_address), None


def _transport_factory(known: KnownHosts, identity: HostIdentity) -> Callable[..., paramiko.Transport]:
    def make(sock: Any, **arguments: Any) -> paramiko.Transport:
        transport = _Transport(sock, **arguments)
        # paramiko reports every failure at ERROR, which Python prints where nobody configured logging; errors here
        # reach the user as exceptions.
        logger = logging.getLogger("paramiko")
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
        plain = transport.get_security_options().key_types
        transport.asked_for = tuple(preferred_algorithms(known, identity, plain))
        return transport

    return make


class _Transport(paramiko.Transport):
    """Asks for host keys in our order; paramiko would put certificates behind all keys."""

    asked_for: tuple[str, ...] = ()

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        return self.asked_for


class _Policy(paramiko.MissingHostKeyPolicy):
    """Asked by paramiko for every key, as its own store is always empty; runs before authentication."""

    def __init__(self, verifier: Verifier) -> None:
        self._verifier = verifier

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        shown = key.public_blob
        self._verifier.verify(HostKey(key.get_name(), key.asbytes()), None if shown is None else shown.key_blob)


def _explained(error: Exception, hop: _Hop, elapsed: float, times: Deadlines) -> Exception:
    where = f"{hop.settings.hostname} port {hop.settings.port}"
    said = str(error)
    if "banner" in said.lower() or "protocol version" in said:
        if elapsed < times.banner * 0.9:
            return _Turned(said.removeprefix("Error reading SSH protocol banner").strip() or "closed")
        return HostUnreachable(f"{where} accepts connections but does not speak SSH ({times.banner:.0f} s waited)",
                               hint="is it the right port? is sshd stopped or the host out of memory?")
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return HostUnreachable(f"No common algorithm with {where}: {said}",
                               hint="its sshd is too old, or set up for algorithms that are not supported")
    if elapsed >= times.banner * 0.9 or "No existing session" in said:
        return HostUnreachable(f"{where} greets but does not finish the key exchange in time",
                               hint="is the host overloaded, or a firewall cutting large packets (MTU)?")
    return HostUnreachable(f"The SSH connection to {where} broke while it was set up: {said or type(error).__name__}",
                           hint="look at the host's sshd log")


class SshConnection:
    """See `connection.Connection`. `fabric` is the object under it, for who wants more than streams."""

    def __init__(self, made: fabric.Connection, host: str, user: str,
                 process: subprocess.Popen[bytes] | None, deadlines: Deadlines) -> None:
        self.fabric = made
        self.user = user
        self._host = host
        self.through: SshConnection | None = None
        """The jump host's connection, which ends with this one."""
        self._process = process
        self._deadlines = deadlines

    @property
    def alive(self) -> bool:
        transport = self.fabric.transport
        return transport is not None and transport.is_active()

    def open_stream(self, command: str, *, pty: bool = False) -> SshStream:
        transport = self._transport()
        channel = self._open_channel(transport)
        stream = SshStream(transport, channel)
        try:
            with guard(self._deadlines.channel, stream.close) as late:
                if pty:
                    channel.get_pty(term="dumb", width=200)
                channel.exec_command(command)
        except GONE as error:
            stream.close()
            reason = "the server did not answer in time" if late.yes else str(error) or NO_WORD
            raise StreamLost(f"the command could not be started: {reason}") from None
        return stream

    def forward(self, host: str, port: int) -> paramiko.Channel:
        """A connection from this host to another one, for the next leg."""
        try:
            return self._transport().open_channel("direct-tcpip", (host, port), ("", 0),
                                                  timeout=self._deadlines.channel)
        except (paramiko.SSHException, OSError, EOFError, StreamLost) as error:
            raise HostUnreachable(f"The jump host {self._host} cannot connect to {host} port {port}: {error}",
                                  hint="is the address right as seen from the jump host, and TCP forwarding allowed?"
                                  ) from None

    def probe(self, timeout: float) -> None:
        transport = self._transport()
        gone = contextlib.suppress(*GONE)
        with guard(timeout, transport.close) as late, gone:
            transport.global_request("keepalive@openssh.com", wait=True)
        if late.yes or not transport.is_active():
            raise StreamLost(f"the SSH server did not answer for {timeout:.0f} s" if late.yes else "connection closed")

    def close(self) -> None:
        self.fabric.client.close()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(2.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self.through is not None:
            self.through.close()

    def _transport(self) -> paramiko.Transport:
        transport: paramiko.Transport | None = self.fabric.transport
        if transport is None or not transport.is_active():
            raise StreamLost("the connection is closed")
        return transport

    def _open_channel(self, transport: paramiko.Transport) -> paramiko.Channel:
        try:
            return transport.open_session(timeout=self._deadlines.channel)
        except paramiko.ChannelException as error:
            raise NoMoreSessions(f"{self._host} allows no further session on this connection ({error.text})") from None
        except GONE as error:
            raise StreamLost(str(error) or NO_WORD) from None
