"""A TCP proxy for tests: adds delay, cuts or freezes a connection at an exact byte, counts round trips.

    with FaultProxy(("10.0.0.5", 22), delay=0.05) as proxy:
        connect(proxy.address)
        assert proxy.turns <= 20

It makes what the network does to a connection repeatable: the same byte, every time. A frozen connection stays open
and the kernel still acknowledges, so it looks like a host that hangs, not like a cable that was pulled.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal

_READ = 64 << 10
_QUEUED = 4 << 20  # bytes held for one direction before reading stops
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close sends a reset at once


@dataclass(eq=False, slots=True)
class _Side:
    """One socket of a connection, and what waits to be written to it: (when it is due, bytes)."""

    sock: socket.socket
    up: bool  # the client's side: what is read here goes up to the server
    waiting: deque[tuple[float, bytes]] = field(default_factory=deque)
    queued: int = 0
    read_ended: bool = False
    write_ended: bool = False
    peer: _Side | None = None


class FaultProxy:
    """Listens on 127.0.0.1 and forwards every connection to `target`.

    delay: seconds added in each direction. cut_after, freeze_after: bytes forwarded over all connections after which
    every connection is reset, or stops moving; `counting` says which direction's bytes count.
    """

    def __init__(self, target: tuple[str, int], *, delay: float = 0.0, cut_after: int | None = None,
                 freeze_after: int | None = None, counting: Literal["up", "down", "both"] = "both") -> None:
        self.target = target
        self.delay = delay
        self.cut_after = cut_after
        self.freeze_after = freeze_after
        self.counting = counting
        self.bytes_up = 0
        self.bytes_down = 0
        self.connections = 0
        """Connections taken so far."""
        self.turns = 0
        """Times a client spoke after its server had spoken, or first: the round trips there were time for."""
        self._frozen = False
        self._cutting = False
        self._server_spoke: dict[_Side, bool] = {}
        self._sides: set[_Side] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="fault proxy", daemon=True)

    @property
    def address(self) -> tuple[str, int]:
        """Where to connect to: (host, port)."""
        host, port = self._listener.getsockname()[:2]
        return str(host), int(port)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stop.set()
        self._poke()
        self._thread.join()

    def cut(self) -> None:
        """Reset all connections now. New ones are taken again."""
        self._cutting = True
        self._poke()

    def freeze(self) -> None:
        """Move nothing any more, until `thaw`."""
        self._frozen = True
        self._poke()

    def thaw(self) -> None:
        """Go on after `freeze` or after `freeze_after` was reached."""
        self.freeze_after = None
        self._frozen = False
        self._poke()

    # -- the proxy's thread -----------------------------------------------------------------------------------
    def _poke(self) -> None:
        self._wake.send(b"x")

    def _serve(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._woken, selectors.EVENT_READ)
        while not self._stop.is_set():
            for key, _ in self._selector.select(self._arrange()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._woken:
                    with contextlib.suppress(BlockingIOError):
                        self._woken.recv(_READ)
                elif not self._frozen and key.data in self._sides:
                    self._read(key.data)
            if self._cutting:
                self._cut_all()
            self._write_all()
        self._cut_all()
        for sock in (self._listener, self._wake, self._woken):
            sock.close()
        self._selector.close()

    def _arrange(self) -> float | None:
        """Set what is waited for; gives the seconds until the next delayed bytes are due."""
        now = time.monotonic()
        due: float | None = None
        for side in self._sides:
            events = 0
            if not self._frozen:
                peer = side.peer
                if not side.read_ended and peer is not None and peer.queued < _QUEUED:
                    events |= selectors.EVENT_READ
                if side.waiting:
                    wait = max(0.0, side.waiting[0][0] - now)
                    if wait:
                        due = wait if due is None else min(due, wait)
                    else:
                        events |= selectors.EVENT_WRITE
            self._watch(side, events)
        return due

    def _watch(self, side: _Side, events: int) -> None:
        known = side.sock in self._selector.get_map()
        if events and known:
            self._selector.modify(side.sock, events, side)
        elif events:
            self._selector.register(side.sock, events, side)
        elif known:
            self._selector.unregister(side.sock)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.connections += 1
        try:
            server = socket.create_connection(self.target, timeout=10)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        sides = _Side(client, up=True), _Side(server, up=False)
        sides[0].peer, sides[1].peer = sides[1], sides[0]
        for side in sides:
            side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            side.sock.setblocking(False)
            self._sides.add(side)
        self._server_spoke[sides[0]] = True

    def _read(self, side: _Side) -> None:
        peer = side.peer
        assert peer is not None
        try:
            data = side.sock.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            self._drop(side)
            return
        if not data:
            side.read_ended = True
        else:
            self._count(side, data)
            data = self._allowed(side, data)
            if not data:
                return
        peer.waiting.append((time.monotonic() + self.delay, data))
        peer.queued += len(data)

    def _count(self, side: _Side, data: bytes) -> None:
        client = side if side.up else side.peer
        assert client is not None
        if not side.up:
            self._server_spoke[client] = True
        elif self._server_spoke[client]:
            self._server_spoke[client] = False
            self.turns += 1

    def _allowed(self, side: _Side, data: bytes) -> bytes:
        """The part of `data` that may still pass; counts it, and remembers when the fault is due."""
        counts = self.counting in ("both", "up" if side.up else "down")
        seen = {"up": self.bytes_up, "down": self.bytes_down, "both": self.bytes_up + self.bytes_down}[self.counting]
        limits = [limit for limit in (self.cut_after, self.freeze_after) if limit is not None]
        if counts and limits and seen + len(data) >= min(limits):
            data = data[: max(0, min(limits) - seen)]
            self._cutting = self.cut_after == min(limits)
            self._frozen = not self._cutting
            if self._cutting:
                self.cut_after = None
        if side.up:
            self.bytes_up += len(data)
        else:
            self.bytes_down += len(data)
        return data

    def _write_all(self) -> None:
        now = time.monotonic()
        for side in list(self._sides):
            while side in self._sides and side.waiting and side.waiting[0][0] <= now and not self._held():
                if not self._write(side):
                    break

    def _held(self) -> bool:
        # What was read before the freeze still passes: the fault is at the byte, not at the moment.
        return self._frozen and self.freeze_after is None

    def _write(self, side: _Side) -> bool:
        due, data = side.waiting.popleft()
        if not data:
            side.write_ended = True
            with contextlib.suppress(OSError):
                side.sock.shutdown(socket.SHUT_WR)
            peer = side.peer
            if peer is not None and peer.write_ended:
                self._drop(side)
            return True
        try:
            sent = side.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(side)
            return False
        side.queued -= sent
        if sent < len(data):
            side.waiting.appendleft((due, data[sent:]))
            return False
        return True

    def _cut_all(self) -> None:
        self._cutting = False
        now = time.monotonic() + 3600
        for side in list(self._sides):  # the bytes before the cut do arrive
            while side.waiting and side.waiting[0][0] <= now and self._write(side):
                pass
        for side in list(self._sides):
            with contextlib.suppress(OSError):
                side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._drop(side)

    def _drop(self, side: _Side) -> None:
        for one in (side, side.peer):
            if one is not None and one in self._sides:
                self._sides.discard(one)
                self._watch(one, 0)
                one.sock.close()
        self._server_spoke.pop(side, None)
