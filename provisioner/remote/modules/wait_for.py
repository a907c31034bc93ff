"""Waits for a port or a file."""

from __future__ import annotations

import re
import socket
import time
from typing import Any, Callable, NamedTuple, Optional

from provisioner.remote.fileattrs import ATTRIBUTE_RETURNS, describe, path_of, shown
from provisioner.remote.sdk import Ctx, Result
from provisioner.remote.spec import Arg, Arguments, Spec
from provisioner.remote.textfile import compiled

STATES = (
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
)  # numbers 1 to 6 in /proc/net/tcp

SPEC = Spec(
    name="wait_for",
    summary="Wait until a port answers, a file is there, or neither is",
    check="run",
    args={
        "port": Arg("int", doc="The port to look at."),
        "host": Arg(default="127.0.0.1", doc="Where the port is."),
        "path": Arg("path", doc="The file to look at."),
        "state": Arg(
            default="started",
            choices=("absent", "drained", "present", "started", "stopped"),
            doc="`started`/`present`: it answers, it is there. `stopped`/`absent`: the contrary. "
            "`drained`: no connection to the port is open.",
        ),
        "search_regex": Arg(doc="The file, or what the port says first, must match this too."),
        "timeout": Arg("int", default=300, doc="Seconds after which it has failed."),
        "connect_timeout": Arg("int", default=5, doc="Seconds for one connection."),
        "delay": Arg("int", default=0, doc="Seconds before the first look."),
        "sleep": Arg("int", default=1, doc="Seconds between looks."),
        "msg": Arg(doc="What to say when it has failed."),
        "exclude_hosts": Arg("list", elements="str", doc="With `drained`: addresses whose connections don't count."),
        "active_connection_states": Arg(
            "list", default=list(STATES), elements="str", doc="With `drained`: what counts as open."
        ),
    },
    mutually_exclusive=(("port", "path"),),
    notes="In check mode it looks once and doesn't wait.",
    examples="""
- name: The app answers
  wait_for:
    port: 3000
    timeout: 60
- name: The app has said so
  wait_for:
    path: /var/log/shop.log
    search_regex: "ready on port (\\\\d+)"
- name: All connections are done
  wait_for:
    port: 3000
    state: drained
""",
    returns={
        "elapsed": "Seconds it took.",
        "match_groups": "Groups of `search_regex`.",
        "match_groupdict": "Named groups of it.",
        **ATTRIBUTE_RETURNS,
        "state": "As asked; with a `path` that is there what it is.",
        "port": "As asked.",
        "path": "As asked.",
        "search_regex": "As asked.",
    },
)


class Seen(NamedTuple):
    """One look: whether it is as wanted, and the match of `search_regex`."""

    ready: bool
    match: "Optional[re.Match[str]]" = None


def run(ctx: Ctx, a: Arguments) -> Result:
    look = _look(ctx, a)
    started = time.monotonic()
    if ctx.check:
        seen = look()
        if not seen.ready:
            raise ctx.unknown("check mode doesn't wait: %s" % _failure(a))
        return _result(ctx, a, seen, 0)
    if a.delay:
        ctx.sleep(a.delay)
    if a.port is None and a.path is None:
        ctx.sleep(a.timeout)  # in full, after `delay`
        return _result(ctx, a, Seen(True), started)
    while True:
        seen = look()
        if seen.ready:
            return _result(ctx, a, seen, started)
        left = a.timeout - (time.monotonic() - started)
        if left <= 0:
            raise ctx.fail(a.msg or _failure(a), elapsed=int(time.monotonic() - started))
        ctx.sleep(min(float(a.sleep), left))


def _look(ctx: Ctx, a: Arguments) -> "Callable[[], Seen]":
    """The question that is asked again and again."""
    gone = a.state in ("absent", "stopped")
    pattern = compiled(ctx, "search_regex", a.search_regex, re.MULTILINE) if a.search_regex else None
    if pattern is not None and (gone or a.state == "drained"):
        raise ctx.fail("`search_regex` can't be used with `state: %s`" % a.state)
    if a.state in ("drained", "stopped") and a.port is None:
        raise ctx.fail("`state: %s` needs `port`" % a.state)
    if a.path is not None:
        path = path_of(ctx, a.path)
        return lambda: _look_at_path(ctx, path, gone, pattern)
    if a.port is None:
        return lambda: Seen(True)
    if a.state == "drained":
        return lambda: _look_at_connections(ctx, a)
    return lambda: _look_at_port(a, gone, pattern)


def _look_at_path(ctx: Ctx, path: str, gone: bool, pattern: "Optional[re.Pattern[str]]") -> Seen:
    there = ctx.stat(path, follow=True)
    if gone or pattern is None or there is None:
        return Seen((there is None) == gone)
    match = pattern.search(ctx.read_text(path) or "") if there.kind == "file" else None
    return Seen(match is not None, match)


def _look_at_port(a: Arguments, gone: bool, pattern: "Optional[re.Pattern[str]]") -> Seen:
    try:
        with socket.create_connection((a.host, a.port), timeout=a.connect_timeout) as connection:
            if gone:
                return Seen(False)
            match = _said(connection, pattern, a.connect_timeout) if pattern else None
            return Seen(pattern is None or match is not None, match)
    except OSError:
        return Seen(gone)


def _said(connection: socket.socket, pattern: "re.Pattern[str]", seconds: float) -> "Optional[re.Match[str]]":
    """What the other side says first, until it matches, stops or takes too long."""
    heard, end = b"", time.monotonic() + seconds
    while len(heard) < 1 << 20 and time.monotonic() < end:
        piece = connection.recv(4096)
        if not piece:
            break
        heard += piece
        match = pattern.search(heard.decode("utf-8", "replace"))
        if match is not None:
            return match
    return None


def _look_at_connections(ctx: Ctx, a: Arguments) -> Seen:
    wanted = {STATES.index(name) + 1 for name in a.active_connection_states if name in STATES}
    ignored = set(a.exclude_hosts or ())
    local = _addresses(a.host)
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (ctx.read_text(path) or "").splitlines()[1:]:
            fields = line.split()
            address, port = _endpoint(fields[1])
            counts = port == a.port and int(fields[3], 16) in wanted and (not local or address in local)
            if counts and _endpoint(fields[2])[0] not in ignored:
                return Seen(False)
    return Seen(True)


def _addresses(host: str) -> "set[str]":
    """The addresses of `host`; empty for one that means all."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return set()
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return {host}


def _endpoint(text: str) -> "tuple[str, int]":
    """Address and port of a column of /proc/net/tcp: words in the machine's byte order, in hex."""
    address, port = text.split(":")
    packed = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
    if len(packed) == 16 and packed[:12] == b"\0" * 10 + b"\xff\xff":
        packed = packed[12:]  # an IPv4 connection to a socket that takes both
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, packed), int(port, 16)


def _failure(a: Arguments) -> str:
    what = a.path if a.path is not None else "%s:%s" % (a.host, a.port)
    if a.search_regex:
        return "Timeout when waiting for search string %s in %s" % (a.search_regex, what)
    if a.state in ("absent", "stopped"):
        return "Timeout when waiting for %s to %s." % (what, "be absent" if a.path is not None else "stop")
    if a.state == "drained":
        return "Timeout when waiting for %s to drain" % what
    return "Timeout when waiting for %s%s" % ("file " if a.path is not None else "", what)


def _result(ctx: Ctx, a: Arguments, seen: Seen, started: float) -> Result:
    groups: "dict[str, Any]" = {"match_groups": [], "match_groupdict": {}}
    if seen.match is not None:
        groups = {"match_groups": list(seen.match.groups()), "match_groupdict": seen.match.groupdict()}
    elapsed = int(time.monotonic() - started) if started else 0
    fields = {"state": a.state, "port": a.port, "path": a.path, "search_regex": a.search_regex, **_of_path(ctx, a)}
    return Result(elapsed=elapsed, **fields, **groups)


def _of_path(ctx: Ctx, a: Arguments) -> "dict[str, Any]":
    """What is at `path` by now, as Ansible tells it of every result with a path."""
    there = ctx.stat(path_of(ctx, a.path)) if a.path is not None else None
    return {} if there is None else shown(describe(there))
