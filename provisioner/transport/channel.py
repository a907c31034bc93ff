"""The controller's end of a runner: sends segments, serves what the host asks for, hands on what it says.

One thread uses a channel. Nothing here waits for the host to read: frames are queued in the stream, large content
is cut into pieces that follow as the queue empties, and reading goes on all the while.
"""

from __future__ import annotations

import io
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from provisioner.diag import ProtocolError
from provisioner.messages import Become, Content, ModuleCall, Segment
from provisioner.remote import wire
from provisioner.transport.bundle import Bundle
from provisioner.transport.connection import Stream, StreamLost
from provisioner.values import Secret

_QUEUE = 1 << 20  # bytes queued in the stream above which content waits
_INLINE_IN_ALL = 1 << 20  # bytes of content that ride in one task


@dataclass(frozen=True, slots=True)
class Hello:
    """What the host told about itself."""

    python: str
    boot_id: str
    uid: int
    user: str
    home: str


@dataclass(slots=True)
class RunnerChannel:
    """Phases: made by `bootstrap.start`; `send` a segment; `receive` frames until `sealed`; `send` again; `goodbye`.

    environment: variables of the target, for every task. have: the host had the core, and so most likely the modules.
    """

    stream: Stream
    bundle: Bundle
    have: bool
    rest: bytes = b""
    environment: Mapping[str, str] = field(default_factory=dict)
    become: Become | None = None
    hello: Hello | None = None
    _decoder: wire.Decoder = field(default_factory=wire.Decoder)
    _known: set[str] = field(default_factory=set)
    _pieces: deque[Iterator[bytes]] = field(default_factory=deque)
    _contents: dict[str, Content] = field(default_factory=dict)
    _sinks: dict[int, ModuleCall] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._decoder.feed(self.rest)
        if not self.have:
            self.stream.write(self.bundle.core_frame())

    def send(self, segment: Segment) -> None:
        """Queue all calls of a segment. Code goes along that the host is known to lack; the rest it asks for."""
        frames = []
        if not self.have or self.hello is not None:
            frames += self._code(segment.calls)
        self._contents = {content.sha256: content for call in segment.calls for content in call.contents}
        self._sinks = {int(call.id): call for call in segment.calls}
        frames += [self._task(call) for call in segment.calls]
        frames.append(wire.encode({"t": "seal", "segment": segment.id}))
        self.stream.write(b"".join(frames))

    def receive(self, timeout: float) -> Sequence[wire.Frame] | None:
        """Frames that came, without those served here; None when the stream has ended. Empty: nothing in `timeout`.

        Raises `StreamLost`, or `ProtocolError` for bytes that are no frames.
        """
        self._feed_pieces()
        if self.rest:
            self.rest, data = b"", b""
        else:
            read = self.stream.read(1 << 18, min(timeout, 0.01) if self._pieces else timeout)
            if read == b"":
                return None
            data = read or b""
        try:
            self._decoder.feed(data)
            return [frame for frame in self._decoder.frames() if not self._served(frame)]
        except wire.WireError as error:
            raise ProtocolError(f"The runner sent what it must not send: {error}",
                                hint="something on the host writes into the runner's output") from None

    def is_over(self) -> bool:
        """Between segments, when nothing may come: whether the runner has gone, or says what it has no reason to."""
        try:
            return self.receive(0.0) != []
        except (StreamLost, ProtocolError):
            return True

    def cancel(self, *, finish: bool) -> None:
        """Run nothing more of the segment; without `finish` end the running task too."""
        self.stream.write(wire.encode({"t": "cancel", "finish": finish}))

    def goodbye(self) -> None:
        self.stream.write(wire.encode({"t": "bye"}))

    def close(self) -> None:
        self.stream.close()

    # -- down -------------------------------------------------------------------------------------------------
    def _code(self, calls: Sequence[ModuleCall]) -> list[bytes]:
        frames = []
        for module in dict.fromkeys(call.module for call in calls):
            for name, sha256 in self.bundle.needed(module):
                if sha256 not in self._known:
                    self._known.add(sha256)
                    frames.append(self.bundle.code_frame(name) or b"")
        return frames

    def _task(self, call: ModuleCall) -> bytes:
        inline = list(_inline(call.contents))
        header = {
            "t": "task", "id": int(call.id), "group": call.group, "last": call.last, "module": call.module,
            "args": plain(call.args), "check": call.check, "diff": call.diff, "stop": call.stop,
            "timeout": call.timeout, "env": {**self.environment, **plain(call.environment)},
            "folder": call.folder, "predicted": call.predicted,
            "inline": [[content.sha256, len(data)] for content, data in inline],
            "background": [call.background.seconds, call.background.folder] if call.background else None,
            "verify": call.verify, "become": self.become.user if self.become else None,
        }  # fmt: skip
        return wire.encode(header, b"".join(data for _, data in inline))

    # -- up ---------------------------------------------------------------------------------------------------
    def _served(self, frame: wire.Frame) -> bool:
        """Whether the frame was for the channel itself."""
        header = frame.header
        match frame.kind:
            case "hello":
                self._greeted(header)
            case "want" if "code" in header:
                code = self.bundle.code_frame(str(header["code"]))
                self.stream.write(code or wire.encode({"t": "code", "name": header["code"], "sha256": "",
                                                      "error": "there is no such module on the controller"}))
            case "want":
                self._pieces.append(self._blob(str(header.get("sha256"))))
                self._feed_pieces()
            case _:
                return False
        return True

    def _greeted(self, header: Mapping[str, Any]) -> None:
        try:
            if header["protocol"] != wire.PROTOCOL:
                raise ProtocolError(f"The runner speaks protocol {header['protocol']}, not {wire.PROTOCOL}")
            self._known.update(map(str, header["cached"]))
            python = header["python"]
            version = python if isinstance(python, str) else ".".join(map(str, python))
            self.hello = Hello(version, str(header["boot_id"]), int(header["uid"]), str(header["user"]),
                               str(header["home"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ProtocolError(f"The runner's greeting lacks something: {error!r}") from None

    def _blob(self, sha256: str) -> Iterator[bytes]:
        """Frames of one content. What cannot be given is said to the host, whose task then fails with the reason."""
        header = {"t": "blob", "sha256": sha256}
        content = self._contents.get(sha256)
        if content is None:
            yield wire.encode({**header, "more": False, "error": "no such content belongs to the task"})
            return
        last = b""
        try:
            for number, piece in enumerate(_read(content)):
                if number:
                    yield wire.encode({**header, "more": True}, last)
                last = piece
        except OSError as error:
            yield wire.encode({**header, "more": False, "error": f"{content.path}: {error.strerror}"})
        else:
            yield wire.encode({**header, "more": False}, last)

    def _feed_pieces(self) -> None:
        while self._pieces and self.stream.unsent < _QUEUE:
            piece = next(self._pieces[0], None)
            if piece is None:
                self._pieces.popleft()
            else:
                self.stream.write(piece)


def _inline(contents: Sequence[Content]) -> Iterator[tuple[Content, bytes]]:
    """The small contents with their bytes; a file that cannot be read is left to be asked for."""
    total = 0
    for content in contents:
        if content.lazy or content.size > wire.INLINE_LIMIT or total + content.size > _INLINE_IN_ALL:
            continue
        try:
            data = b"".join(_read(content))
        except OSError:
            continue
        if len(data) == content.size:
            total += content.size
            yield content, data


def _read(content: Content) -> Iterator[bytes]:
    """Pieces of a content, never more than `size` in all (a file may grow while it is read)."""
    left = content.size
    source: BinaryIO
    if content.data is not None:
        source = io.BytesIO(content.data)
    elif content.path is not None:
        source = content.path.open("rb")
    else:
        return
    with source:
        while left > 0 and (piece := source.read(min(wire.PIECE, left))):
            left -= len(piece)
            yield piece


def plain(value: Any) -> Any:
    """JSON data with secrets revealed: this is the one way by which they leave the controller."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def result_of(frame: wire.Frame) -> dict[str, Any]:
    """The JSON body of a `result` frame."""
    try:
        result = json.loads(frame.body)
    except ValueError as error:
        raise ProtocolError(f"A result is not JSON: {error}") from None
    if not isinstance(result, dict):
        raise ProtocolError("A result is not a mapping")
    return result
