"""Sockets of our own for SSH: no Nagle, kernel keepalive, a deadline, and plain words for what goes wrong.

paramiko never sets TCP_NODELAY, and sshd sets it for terminals only: with delayed acknowledgements each costs 40 ms an
exchange. So we send at once and acknowledge at once.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import subprocess
import threading
import time
from collections.abc import Iterable
from typing import Any

from provisioner.diag import HostUnreachable
from provisioner.transport.connection import Deadline, Liveness

_PAUSE = 0.1
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux only


class _PromptSocket(socket.socket):
    """Acknowledges at once. The kernel forgets TCP_QUICKACK when it likes, so it is set again after every read."""

    __slots__ = ()

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        data = super().recv(size, flags)
        if _QUICKACK is not None:
            with contextlib.suppress(OSError):  # closed meanwhile; the next read will say so
                self.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        return data


def connect(host: str, port: int, *, timeout: float, liveness: Liveness | None = None, refused: float = 0.0,
            family: int = socket.AF_UNSPEC, bind: str | None = None) -> socket.socket:
    """A connected socket; tries every address of `host` within `timeout` seconds in all.

    refused: for how many seconds a host that refuses is asked again: a server that restarts does so for a moment.
    """
    deadline, again = Deadline(timeout), Deadline(min(refused, timeout))
    addresses = _addresses(host, port, family, timeout)
    while True:
        made = _first(addresses, deadline, bind)
        if isinstance(made, socket.socket):
            keep_watch(made, liveness or Liveness())
            return made
        if not isinstance(made, ConnectionRefusedError) or again.passed:
            raise _explained(made, host, port, timeout)
        time.sleep(_PAUSE)


def _first(addresses: Iterable[Any], deadline: Deadline, bind: str | None) -> socket.socket | OSError:
    """The first that takes a connection, or why the last one does not."""
    last = OSError("it has no address")
    for kind, _, _, _, address in addresses:
        made = _PromptSocket(kind, socket.SOCK_STREAM)
        try:
            made.settimeout(max(deadline.left, 0.001))
            if bind:
                made.bind((bind, 0))
            made.connect(address)
        except OSError as error:
            made.close()
            last = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    return last


def keep_watch(made: socket.socket, liveness: Liveness) -> None:
    """Send at once, and let the kernel notice a peer that is gone, whether we are sending or waiting."""
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    # By name: macOS calls the first one TCP_KEEPALIVE and has no TCP_USER_TIMEOUT.
    options = {"TCP_KEEPIDLE": liveness.idle, "TCP_KEEPALIVE": liveness.idle, "TCP_KEEPINTVL": liveness.interval,
               "TCP_KEEPCNT": liveness.count, "TCP_USER_TIMEOUT": liveness.total * 1000}  # fmt: skip
    for name, value in options.items():
        option = getattr(socket, name, None)
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)


def _addresses(host: str, port: int, family: int, timeout: float) -> list[Any]:
    """getaddrinfo, which knows no timeout, with one."""
    answer: list[Any] = []

    def ask() -> None:
        try:
            answer.append(socket.getaddrinfo(host, port, family, socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer.append(error)

    asking = threading.Thread(target=ask, daemon=True, name=f"resolve {host}")
    asking.start()
    asking.join(timeout)
    hint = "check the spelling, or give the address with `ansible_host`"
    if not answer:
        raise HostUnreachable(f"No name server answered for {host} in {timeout:.0f} s", hint=hint)
    if isinstance(answer[0], OSError | UnicodeError):
        reason = answer[0].strerror if isinstance(answer[0], OSError) else "not a host name"
        raise HostUnreachable(f"The name {host} cannot be resolved: {reason}", hint=hint)
    return list(answer[0])


def _explained(error: OSError, host: str, port: int, timeout: float) -> HostUnreachable:
    if isinstance(error, TimeoutError) or error.errno == errno.ETIMEDOUT:
        return HostUnreachable(f"No answer from {host} port {port} in {timeout:.0f} s",
                               hint="is the address right, the host up, and port open in its firewall?")
    if isinstance(error, ConnectionRefusedError):
        return HostUnreachable(f"{host} refuses connections on port {port}",
                               hint="is sshd running there, and on this port? (`ansible_port`)")
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return HostUnreachable(f"There is no route to {host}: {error.strerror}",
                               hint="is the host up, and is this machine in the right network or VPN?")
    return HostUnreachable(f"Cannot connect to {host} port {port}: {error.strerror or error}")


def through_command(command: str) -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A ProxyCommand's input and output as one socket; the process ends when the socket is closed."""
    ours, theirs = socket.socketpair()
    try:
        process = subprocess.Popen(["/bin/sh", "-c", f"exec {command}"], stdin=theirs.fileno(), stdout=theirs.fileno(),
                                   stderr=subprocess.DEVNULL, start_new_session=True)
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
    return ours, process
