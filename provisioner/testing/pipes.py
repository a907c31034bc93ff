"""A real runner, started on this machine by the same bootstrap as on a host, spoken to over two pipes.

    with PipeRunner(home=tmp_path) as runner:
        assert runner.call("ping")["ping"] == "pong"

`prefix` starts it elsewhere (`["ssh", …]`, `["nsenter", …]`); `home` keeps its cache out of the user's own.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from provisioner.messages import Content
from provisioner.remote.wire import Decoder, Frame, encode
from provisioner.transport.bundle import Bundle, load_bundle

MINIMAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@cache
def shipped() -> Bundle:
    """The package's own bundle, read once."""
    return load_bundle()


@dataclass(frozen=True)
class Outcome:
    """What a segment brought. results: by task id, in the order they came; sealed: the header of the last frame."""

    results: dict[int, dict[str, Any]]
    sealed: Mapping[str, Any]
    frames: tuple[Frame, ...]

    def text(self, stream: str = "stdout") -> bytes:
        return b"".join(f.body for f in self.frames if f.kind == "text" and f.header["stream"] == stream)

    def sent(self) -> bytes:
        return b"".join(f.body for f in self.frames if f.kind == "data")


class RunnerGone(Exception):
    """The runner's output ended (or did not come in time); the message holds its stderr."""


class PipeRunner:
    """One session with a runner; a context manager. `hello` is its greeting, `had_core` what the cache said."""

    def __init__(self, *, home: Path | None = None, python: str = sys.executable, prefix: Sequence[str] = (),
                 bundle: Bundle | None = None, environment: Mapping[str, str] | None = None,
                 quote: Callable[[Sequence[str]], list[str]] = list, timeout: float = 30.0) -> None:
        self.bundle = bundle or shipped()
        self.timeout = timeout
        self._nonce = secrets.token_hex(8)
        command = self.bundle.command(python, self._nonce)
        if home is not None:
            command = [_at_home(home) + part if part == self.bundle.text else part for part in command]
        base = {"PATH": MINIMAL_PATH, "HOME": str(home or Path.home())} if environment is None else environment
        self.process = subprocess.Popen([*prefix, *quote(command)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, env=dict(base), bufsize=0, start_new_session=True)
        self._decoder = Decoder()
        self._contents: dict[str, bytes] = {}
        self._next_id = 0
        self.asked_code: list[str] = []
        self.hold_contents = False  # True: `next_frame` gives the `want`s for contents, the test answers them
        self.had_core = self._start()
        self.hello: Mapping[str, Any] = self.wait_for("hello").header

    def __enter__(self) -> PipeRunner:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> int:
        """Say `bye`, wait for the end, give the exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        if not self.process.stdin.closed:
            with suppress(BrokenPipeError):
                self.write(encode({"t": "bye"}))
            self.process.stdin.close()
        try:
            return self.process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
        finally:
            self.process.stdout.close()
            self.process.stderr.close()

    # -- tasks --------------------------------------------------------------------------------------------------
    def call(self, module: str, args: Mapping[str, Any] | None = None, *, contents: Iterable[Content] = (),
             **options: Any) -> dict[str, Any]:
        """Run one module and give its result. options: check, diff, timeout, env, predicted, verify."""
        return next(iter(self.segment([(module, args or {}, options)], contents=contents).results.values()))

    def segment(self, calls: Iterable[tuple[str, Mapping[str, Any], Mapping[str, Any]]], *,
                contents: Iterable[Content] = ()) -> Outcome:
        """Send all calls in one go and wait for `sealed`. Contents are given when the runner wants them."""
        self._contents.update({content.sha256: content.data or b"" for content in contents})
        out = bytearray()
        for module, args, options in calls:
            out += self.task_frame(module, args, **options)
        out += encode({"t": "seal", "segment": 1})
        self.write(bytes(out))
        return self.until_sealed()

    def task_frame(self, module: str, args: Mapping[str, Any], **options: Any) -> bytes:
        self._next_id += 1
        header = {"t": "task", "id": self._next_id, "group": self._next_id, "last": True, "module": module,
                  "args": dict(args), "check": False, "diff": False, "stop": True, **options}
        return encode(header)

    def until_sealed(self) -> Outcome:
        frames: list[Frame] = []
        while not frames or frames[-1].kind != "sealed":
            frames.append(self.next_frame())
        results = {f.header["id"]: json.loads(f.body) for f in frames if f.kind == "result"}
        return Outcome(results, frames[-1].header, tuple(frames))

    # -- frames -------------------------------------------------------------------------------------------------
    def write(self, data: bytes) -> None:
        """Write, reading meanwhile when the pipe is full."""
        assert self.process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[os.write(self.process.stdin.fileno(), view[:4096]):]

    def wait_for(self, kind: str) -> Frame:
        frame = self.next_frame()
        while frame.kind != kind:
            frame = self.next_frame()
        return frame

    def next_frame(self) -> Frame:
        """The next frame that is not a `want`; wants are answered."""
        until = time.monotonic() + self.timeout
        while True:
            for frame in self._decoder.frames():
                if frame.kind != "want" or (self.hold_contents and "sha256" in frame.header):
                    return frame
                self._answer(frame)
            self._decoder.feed(self._read(until))

    def _answer(self, frame: Frame) -> None:
        if "code" in frame.header:
            name = frame.header["code"]
            self.asked_code.append(name)
            code = self.bundle.code_frame(name)
            self.write(code if code is not None else encode({"t": "code", "name": name, "error": "there is none"}))
            return
        sha256 = frame.header["sha256"]
        data, size = self._contents[sha256], 1 << 18
        for start in range(0, max(len(data), 1), size):
            piece = data[start:start + size]
            self.write(encode({"t": "blob", "sha256": sha256, "more": start + size < len(data)}, piece))

    def _start(self) -> bool:
        seen = b""
        marker = b"PROVISION-" + self._nonce.encode() + b" "
        until = time.monotonic() + self.timeout
        while marker not in seen or b"\n" not in seen[seen.index(marker):]:
            seen += self._read(until)
        answer, rest = seen[seen.index(marker) + len(marker):].split(b"\n", 1)
        if answer == b"need":
            self.write(self.bundle.core_frame())
        self._decoder.feed(rest)
        return answer == b"have"

    def _abandon(self) -> str:
        """End it the hard way; what it said on stderr."""
        self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        said = self.process.stderr.read().decode(errors="replace")
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
        return said

    def _read(self, until: float) -> bytes:
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, until - time.monotonic()))
        data = os.read(self.process.stdout.fileno(), 1 << 16) if ready else b""
        if not data:
            said = self._abandon()
            raise RunnerGone(f"{'ended' if ready else 'no answer in time'}: {said}")
        return data


def _at_home(home: Path) -> str:
    """Python that makes the user database name `home` as this user's."""
    return (f"import pwd,os;g=pwd.getpwuid;r=list(g(os.geteuid()));r[5]={json.dumps(str(home))};"
            "p=pwd.struct_passwd(r);pwd.getpwuid=lambda uid:p if uid==os.geteuid() else g(uid);")
