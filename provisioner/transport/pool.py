"""All sessions of a run: one per target, made on first use, closed together."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from provisioner.diag import Interrupted, UsageError
from provisioner.messages import Input, Target
from provisioner.transport.bundle import Bundle, load_bundle
from provisioner.transport.connection import Connection, Deadlines, Liveness
from provisioner.transport.knownhosts import KnownHostsReader
from provisioner.transport.local import LocalConnection
from provisioner.transport.session import HostSession
from provisioner.transport.sshconfig import Resolver

_PER_JUMP_HOST = 8  # sshd's MaxStartups begins to refuse at 10


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Of the whole run."""

    deadlines: Deadlines = Deadlines()
    liveness: Liveness = Liveness()
    resolver: Resolver = field(default_factory=Resolver)
    load_bundle: Callable[[], Bundle] = load_bundle


class SessionPool:
    """`post` receives every input of every session, from their threads. forks: hosts at work at once."""

    def __init__(self, post: Callable[[Input], None], *, forks: int = 5,
                 settings: TransportSettings | None = None) -> None:
        if forks < 1:
            raise UsageError(f"--forks must be at least 1, not {forks}")
        self.settings = settings or TransportSettings()
        self.deadlines = self.settings.deadlines
        self.slots = threading.Semaphore(forks)
        self._post = post
        self._sessions: dict[tuple[object, ...], HostSession] = {}
        self._gates: defaultdict[str, threading.Semaphore] = defaultdict(lambda: threading.Semaphore(_PER_JUMP_HOST))
        self._lock = threading.Lock()
        self._known_hosts = KnownHostsReader()
        self._bundle: Bundle | None = None
        self._bundle_lock = threading.Lock()
        self._closed = False

    def session(self, target: Target) -> HostSession:
        """The one session for a target; equal targets get the same."""
        key = _key(target)
        with self._lock:
            if self._closed:
                raise Interrupted("The run is over: no new sessions")
            if key not in self._sessions:
                self._sessions[key] = HostSession(target, self._post, self)
            return self._sessions[key]

    def sessions(self) -> tuple[HostSession, ...]:
        with self._lock:
            return tuple(self._sessions.values())

    def cancel(self) -> None:
        """Every session: once finishes what runs, twice stops it."""
        for session in self.sessions():
            session.cancel()

    def close(self) -> None:
        """Close all sessions side by side."""
        with self._lock:
            self._closed = True
            sessions = list(self._sessions.values())
        if sessions:
            with ThreadPoolExecutor(min(len(sessions), 32), thread_name_prefix="hang up") as pool:
                list(pool.map(HostSession.close, sessions))

    def __enter__(self) -> SessionPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- for sessions (session.Shared) ------------------------------------------------------------------------
    def connect(self, target: Target) -> Connection:
        """A new connection to the target, not kept here."""
        if target.connection == "local":
            return LocalConnection()
        if target.connection != "ssh":
            raise UsageError(f"`connection: {target.connection}` of {target.host} is not supported",
                             hint="use `ssh` or `local`")
        from provisioner.transport import ssh  # noqa: PLC0415 - paramiko costs 170 ms: only who uses it pays

        settings = self.settings
        wiring = ssh.Wiring(settings.resolver, self._known_hosts, self.deadlines, settings.liveness, self.gate)
        return ssh.connect(target, wiring)

    def bundle(self) -> Bundle:
        with self._bundle_lock:
            if self._bundle is None:
                self._bundle = self.settings.load_bundle()
            return self._bundle

    def gate(self, hop: str) -> threading.Semaphore:
        """Held while a connection through the jump host `hop` is opened."""
        with self._lock:
            return self._gates[hop]


def _key(target: Target) -> tuple[object, ...]:
    """A target as something that can be hashed (`environment` is a mapping)."""
    fields = [getattr(target, name) for name in target.__dataclass_fields__ if name != "environment"]
    return (os.getpid(), *fields, *sorted(target.environment.items()))
