"""The frames between controller and runner: `>II` header and body length, an ASCII JSON header, a raw body.

Down:  core  {"t"}                               body: the packed core; read by `stage0`, never by the runner
       code  {"t", "name", "sha256", "error"?}   body: source of one `provisioner.remote` module the host lacks; send it
                                                before the task that needs it, or in answer to `want`
       task  {"t", "id", "group", "last", "module", "args", "check", "diff", "stop", "timeout", "env",
              "folder", "predicted", "inline", "verify", "become"}
                                                body: inline content, concatenated in the order of `inline`
                                                ([[sha256, size], …])
       blob  {"t", "sha256", "more", "error"?}  body: a piece of the content that was wanted; more: not the last;
                                                error: why the controller can't give it
       seal  {"t", "segment"}                   all tasks of the segment are sent
       cancel {"t", "finish"?}                  run nothing more of the segment; end the running task's children too,
                                                unless `finish`
       bye   {"t"}
Up:    hello {"t", "protocol", "python", "boot_id", "uid", "pid", "user", "home", "cached"}
                                                cached: sha256 of every module source the host has
       begin {"t", "id"}
       text  {"t", "id", "stream"}              body: output of a running command; stream: stdout | stderr | progress
       data  {"t", "id", "more"}                body: bytes a task sends to the controller (`ctx.send`)
       want  {"t", "id", "sha256"}              content the host lacks, or
             {"t", "code"}                      name of a module whose code it lacks
       result {"t", "id", "ms"}                 body: the result as JSON
       sealed {"t", "segment", "stopped"}       the segment is over; stopped: id of the task that failed, or null
       crash {"t"}                              body: a traceback; the runner ends

`cancel` concerns the segments whose tasks were sent before it; their `sealed` still comes. A task it ended has
`cancelled` in its result.
Tasks of one loop share a `group`: a failure with `stop` ends the segment after the group's last member.
JSON only, never pickle. A frame over the limits is a protocol error, whoever sends it.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Callable, Iterator, Mapping, NamedTuple, Optional

PROTOCOL = 1
HEADER_LIMIT = 16 << 20
BODY_LIMIT = 64 << 20
INLINE_LIMIT = 32 << 10
PIECE = 256 << 10
_LENGTHS = struct.Struct(">II")


class WireError(Exception):
    """The other side sent something that is not a frame."""


class Frame(NamedTuple):
    header: "dict[str, Any]"
    body: bytes

    @property
    def kind(self) -> str:
        return str(self.header.get("t"))


def encode(header: "Mapping[str, Any]", body: bytes = b"") -> bytes:
    """One frame as bytes."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode("ascii")
    return _LENGTHS.pack(len(text), len(body)) + text + body


class Decoder:
    """Bytes in, frames out. Feed what arrives; iterate for the frames that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def frames(self) -> "Iterator[Frame]":
        while True:
            frame = self._next()
            if frame is None:
                return
            yield frame

    def pending(self) -> bool:
        """Whether an incomplete frame is waiting for its rest."""
        return bool(self._buffer)

    def _next(self) -> Optional[Frame]:
        buffer = self._buffer
        if len(buffer) < _LENGTHS.size:
            return None
        header_size, body_size = _LENGTHS.unpack_from(buffer)
        if header_size > HEADER_LIMIT or body_size > BODY_LIMIT:
            raise WireError("a frame of %d + %d bytes is over the limits" % (header_size, body_size))
        start, end = _LENGTHS.size + header_size, _LENGTHS.size + header_size + body_size
        if len(buffer) < end:
            return None
        text = bytes(buffer[_LENGTHS.size:start])
        body = bytes(buffer[start:end])
        del buffer[:end]
        try:
            header = json.loads(text)
        except ValueError as error:
            raise WireError("a frame's header is not JSON: %s" % error) from None
        if not isinstance(header, dict) or not isinstance(header.get("t"), str):
            raise WireError("a frame's header is not a mapping with `t`")
        return Frame(header, body)


def read_frame(read: "Callable[[], bytes]", decoder: Decoder) -> Optional[Frame]:
    """The next frame, calling `read` (b"" at the end of the stream) until it is whole; None at the end."""
    while True:
        frame = decoder._next()
        if frame is not None:
            return frame
        data = read()
        if not data:
            if decoder.pending():
                raise WireError("the stream ended inside a frame")
            return None
        decoder.feed(data)
