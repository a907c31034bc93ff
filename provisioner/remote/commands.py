"""What `command`, `shell`, `raw` and `script` share: when to run, running, and the result in Ansible's fields."""

from __future__ import annotations

import os
import time
from typing import Any, Mapping, Optional, Sequence

from provisioner.remote.process import describe
from provisioner.remote.sdk import Completed, Ctx, Result
from provisioner.remote.spec import Arg, Arguments

NOT_RUN = "Command would have run if not in check mode"

GUARDS: "Mapping[str, Arg]" = {
    "chdir": Arg("path", doc="directory to run in"),
    "creates": Arg("path", doc="a path or pattern; when something is there, nothing is run"),
    "removes": Arg("path", doc="a path or pattern; when nothing is there, nothing is run"),
}
INPUT: "Mapping[str, Arg]" = {
    "stdin": Arg(doc="text for the standard input"),
    "stdin_add_newline": Arg("bool", default=True, doc="end `stdin` with a newline"),
    "strip_empty_ends": Arg("bool", default=True, doc="drop empty lines at the end of stdout and stderr"),
}
RETURNS: "Mapping[str, str]" = {
    "cmd": "what was run: a list, or the text given to the shell",
    "rc": "exit status; negative: ended by that signal",
    "stdout": "standard output; of more than 1 MiB the middle is left out",
    "stderr": "standard error, in the same way",
    "stdout_lines": "stdout as a list of lines",
    "stderr_lines": "stderr as a list of lines",
    "start": "when it began, in the host's local time",
    "end": "when it ended",
    "delta": "how long it took",
    "msg": "empty, or why it failed",
}


def needless(ctx: Ctx, a: Arguments, cmd: Any) -> Optional[Result]:
    """The result when `creates` or `removes` says that there is nothing to run, else None."""
    folder = ctx.expand(a.chdir) if a.chdir else ""
    if a.creates and _exists(ctx, folder, a.creates):
        return _skipped(cmd, a.creates, "exists")
    if a.removes and not _exists(ctx, folder, a.removes):
        return _skipped(cmd, a.removes, "does not exist")
    return None


def not_run(a: Arguments, cmd: Any) -> Result:
    """Check mode: with a guard it is known that something would change, without one nothing is known."""
    times = {"start": None, "end": None, "delta": None}
    fields: "dict[str, Any]" = {"cmd": cmd, "rc": 0, "msg": NOT_RUN, **_streams("", ""), **times}
    if a.creates or a.removes:
        return Result(changed=True, **fields)
    return Result(skipped=True, unknown="the command is not run in check mode", **fields)


def perform(ctx: Ctx, argv: "Sequence[str]", a: Arguments, *, cmd: Any, input: Optional[bytes] = None,
            strip: bool = True) -> Result:
    """Run it with live output; a status other than 0 is a failure."""
    cwd = ctx.expand(a.chdir) if a.chdir else None
    if cwd is not None and not os.path.isdir(cwd):
        raise ctx.fail("Unable to change directory before execution: %s (`chdir`) is not there" % cwd, cmd=cmd, rc=257)
    began, clock = time.time(), time.monotonic()
    done = ctx.run(argv, input=input, cwd=cwd, live=True)
    took = time.monotonic() - clock
    fields = {
        "cmd": cmd, "rc": done.rc, "start": _moment(began), "end": _moment(began + took), "delta": _duration(took),
        "msg": _message(done), **_streams(*(_stripped(text, strip) for text in (done.stdout, done.stderr))),
    }  # fmt: skip
    return Result(changed=True, failed=done.rc != 0, **fields)


def standard_input(a: Arguments) -> Optional[bytes]:
    """The bytes for `stdin`, None when it was not given."""
    if a.stdin is None:
        return None
    data: bytes = a.stdin.encode("utf-8", "surrogateescape")
    return data + b"\n" if a.stdin_add_newline and not data.endswith(b"\n") else data


def _exists(ctx: Ctx, folder: str, pattern: str) -> bool:
    path = ctx.expand(os.path.join(folder, pattern) if not pattern.startswith(("~", "$")) else pattern)
    if os.path.lexists(path):
        return True
    if not any(char in path for char in "*?["):
        return False
    import glob  # noqa: PLC0415 - few tasks have patterns

    return bool(glob.glob(path))


def _skipped(cmd: Any, path: str, state: str) -> Result:
    text = "skipped, since %s %s" % (path, state)
    message = "Did not run command since '%s' %s" % (path, state)
    return Result(cmd=cmd, rc=0, msg=message, start=None, end=None, delta=None, **_streams(text, ""))


def _streams(stdout: str, stderr: str) -> "dict[str, Any]":
    return {"stdout": stdout, "stderr": stderr,
            "stdout_lines": stdout.splitlines(), "stderr_lines": stderr.splitlines()}  # fmt: skip


def _stripped(text: str, strip: bool) -> str:
    return text.rstrip("\r\n") if strip else text


def _message(done: Completed) -> str:
    if done.rc == 0:
        return ""
    return "non-zero return code" if done.rc > 0 else describe(done.rc)


def _moment(seconds: float) -> str:
    return "%s.%06d" % (time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds)), int(seconds % 1 * 1_000_000))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return "%d:%02d:%09.6f" % (hours, minutes, rest)
