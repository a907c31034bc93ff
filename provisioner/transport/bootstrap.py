"""Starts a runner on a host: one command, its first line, and what it needs to go on."""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass

from provisioner.diag import BecomeFailed, HostUnreachable, NoPython, ProtocolError
from provisioner.messages import Become
from provisioner.remote import packing
from provisioner.transport import become as sudo
from provisioner.transport.bundle import OLDEST_PYTHON, TOO_OLD, Bundle
from provisioner.transport.connection import Connection, Deadline, Deadlines, Stream, StreamLost

_NOISE = 1 << 20  # of greetings before the runner's line; more is not a greeting
_NO_PYTHON = "PROVISION-NO-PYTHON"
_LOCALE = "LC_ALL=C.UTF-8; export LC_ALL"
_CANDIDATES = ("python3", "/usr/bin/python3", "/usr/local/bin/python3", "/usr/libexec/platform-python",
               "/opt/bin/python3")  # fmt: skip
_SURVEY = (
    "for p in python3 /usr/bin/python3.[0-9] /usr/bin/python3.[0-9][0-9] /usr/local/bin/python3* "
    "/usr/libexec/platform-python /opt/python*/bin/python3 /usr/bin/python; do "
    'p=$(command -v "$p" 2>/dev/null) || continue; '
    'v=$("$p" -I -S -c "import sys; print(\\"%d.%d\\" % sys.version_info[:2])" 2>&1 | tail -n 1); '
    'echo "SURVEY $p $v"; done; echo SURVEY-END'
)
_SURVEYED = re.compile(r"^SURVEY (/\S+) (.*)$", re.MULTILINE)
_VERSION = re.compile(r"3\.(\d+)")


@dataclass(frozen=True, slots=True)
class Started:
    """A runner that spoke its first line. have: it has the core. rest: bytes behind the line, frames already."""

    stream: Stream
    have: bool
    rest: bytes
    python: str | None
    """The interpreter to name next time, when it had to be searched."""


class _PythonTrouble(Exception):
    """What the first try met: `reason` for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def start(connection: Connection, bundle: Bundle, host: str, *, python: str | None = None, become: Become | None = None,
          deadlines: Deadlines | None = None) -> Started:
    """Start a runner. The common case is one command; a host with an odd Python or a wish for a terminal costs more.

    Raises `BecomeFailed`, `NoPython`, `ProtocolError` (a runner that never speaks), or `HostUnreachable`.
    """
    times = deadlines or Deadlines()
    if become is not None:
        sudo.check_method(become)
    try:
        try:
            return _start(connection, bundle, host, python, become, times)
        except _PythonTrouble as trouble:
            found = None if python else _search(connection, become, times)
            if not isinstance(found, str):
                raise _no_python(host, python, trouble, found or []) from None
            try:
                return _start(connection, bundle, host, found, become, times)
            except _PythonTrouble as again:
                raise _no_python(host, found, again, []) from None
    except StreamLost as lost:
        raise HostUnreachable(f"The connection to {host} was lost while the runner was started: {lost}",
                              hint="try again; if it stays so, look at the host's sshd log") from None


def _start(connection: Connection, bundle: Bundle, host: str, python: str | None, become: Become | None,
           times: Deadlines) -> Started:
    try:
        return _run(connection, bundle, host, python, become, times, pty=False)
    except sudo.NeedsTerminal:
        try:
            return _run(connection, bundle, host, python, become, times, pty=True)
        except sudo.NeedsTerminal:
            assert become is not None
            raise BecomeFailed(f"Cannot become {become.user} by sudo: it wants a terminal and takes none of ours",
                               hint="remove `Defaults requiretty` from sudoers") from None


def _run(connection: Connection, bundle: Bundle, host: str, python: str | None, become: Become | None,
         times: Deadlines, *, pty: bool) -> Started:
    nonce, prompt = secrets.token_hex(16), sudo.new_prompt()
    script = _script(bundle, python, nonce)
    stream = connection.open_stream(_command(script, become, prompt, pty=pty), pty=pty)
    dialog = sudo.Dialog(become, prompt, stream.write, times.become) if become is not None else None
    try:
        have, rest = _first_line(stream, nonce, host, dialog, Deadline(times.handshake))
    except BaseException:
        stream.close()
        raise
    return Started(stream, have, rest, python)


def _script(bundle: Bundle, python: str | None, nonce: str) -> str:
    """Text for /bin/sh that becomes the interpreter, or says that there is none."""
    start = shlex.join(bundle.command("PYTHON", nonce)[1:])
    if python:
        return f"{_LOCALE}; exec {shlex.quote(python)} {start}"
    tries = " ".join(_CANDIDATES)
    return (f'{_LOCALE}; for p in {tries}; do command -v "$p" >/dev/null 2>&1 && exec "$p" {start}; done; '
            f"echo {_NO_PYTHON} >&2; exit 127")


def _command(script: str, become: Become | None, prompt: str, *, pty: bool) -> str:
    """What the login shell gets, which may be any: one command whose arguments are in single quotes."""
    if become is not None:
        script = f"{_LOCALE}; exec {sudo.command(become, prompt, script)}"
    if pty:
        # Raw before anything is written; and a terminal that goes away must not kill the runner in mid-task.
        script = f'stty raw -echo; trap "" HUP; {script}'
    return f"exec /bin/sh -c {shlex.quote(script)}"


def _first_line(stream: Stream, nonce: str, host: str, dialog: sudo.Dialog | None,
                deadline: Deadline) -> tuple[bool, bytes]:
    marker = packing.marker(nonce)
    line = re.compile(re.escape(marker) + rb" (have|need)\n")
    seen = b""
    while True:
        found = line.search(seen)
        if found:
            return found.group(1) == b"have", seen[found.end():]
        if len(seen) > _NOISE:
            raise _PythonTrouble(f"it printed a lot, but not the runner's first line: {_shown(seen[:200])}")
        if deadline.passed:
            said = _said(stream, seen)
            raise ProtocolError(f"The runner on {host} did not start in time{_quoted(said)}",
                                hint="is the host overloaded, or its python3 a wrapper that hangs?")
        data = stream.read(1 << 16, min(0.05 if dialog else 0.5, deadline.left + 0.01))
        if data == b"":
            _ended(_said(stream, seen), host, dialog)
        elif data:
            seen += data
        if dialog and not line.search(seen):
            dialog.look(_said(stream, seen))


def _ended(said: str, host: str, dialog: sudo.Dialog | None) -> None:
    """The command ended before the runner's line: raise what fits what it said."""
    if _NO_PYTHON in said:
        raise _PythonTrouble("there is none")
    too_old = re.search(rf"^{TOO_OLD} ([\d.]+)$", said, re.MULTILINE)
    if too_old:
        raise _PythonTrouble(f"it is {too_old.group(1)}")
    if dialog and not re.search(r"python|Traceback", said):
        raise dialog.ended(said)
    if "Password change required" in said or "password has expired" in said:
        raise HostUnreachable(f"The login to {host} wants a new password first{_quoted(said)}",
                              hint="log in by hand once and change it")
    raise _PythonTrouble(f"it did not start{_quoted(said)}")


def _search(connection: Connection, become: Become | None, times: Deadlines) -> str | list[str]:
    """The first usable interpreter on the host, or a list of what was found ("/usr/bin/python3.7 (3.7)").

    Asked as the login user: interpreters are the same for all, and it needs no password.
    """
    stream = connection.open_stream(f"exec /bin/sh -c {shlex.quote(_SURVEY)}")
    deadline = Deadline(times.handshake)
    said = b""
    try:
        while b"SURVEY-END" not in said and len(said) < _NOISE and not deadline.passed:
            data = stream.read(1 << 16, min(0.5, deadline.left + 0.01))
            if data == b"":
                break
            said += data or b""
    finally:
        stream.close()
    found = dict(_SURVEYED.findall(said.decode("utf-8", "backslashreplace")))
    for path, version in found.items():
        number = _VERSION.fullmatch(version.strip())
        if number and (3, int(number.group(1))) >= OLDEST_PYTHON:
            return str(path)
    return [f"{path} ({_shown(version.encode(), 60) or 'does not run'})" for path, version in found.items()]


def _no_python(host: str, python: str | None, trouble: _PythonTrouble, found: list[str]) -> NoPython:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    which = f"{python} on {host}" if python else f"python3 on {host}"
    listed = f"; found: {', '.join(found)}" if found else ""
    hint = (f"install Python {oldest} or newer (`apt-get install python3`), or name one with "
            "`ansible_python_interpreter`")
    return NoPython(f"No usable Python: {which}: {trouble.reason}{listed}", hint=hint)


def _said(stream: Stream, output: bytes) -> str:
    return stream.stderr_tail() + output[-4096:].decode("utf-8", "backslashreplace")


def _quoted(said: str) -> str:
    """The last lines of what was said, without our own prompt, ready to follow a message."""
    lines = [line for row in said.splitlines() if (line := sudo.without_prompt(row).strip())]
    return f": {'; '.join(lines[-3:])}" if lines else ""


def _shown(data: bytes, limit: int = 200) -> str:
    return data[:limit].decode("utf-8", "backslashreplace").strip()
