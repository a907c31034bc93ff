import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.remote.wire import BODY_LIMIT, HEADER_LIMIT, Decoder, Frame, WireError, encode, read_frame

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
HEADERS = st.dictionaries(st.text(max_size=3), VALUES | st.lists(VALUES, max_size=2), max_size=3).map(
    lambda given: {**given, "t": "x"}
)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=20)), max_size=5), st.integers(1, 50))
def test_frames_come_out_as_they_went_in_however_the_stream_is_cut(
    frames: list[tuple[dict[str, object], bytes]], size: int
) -> None:
    stream = b"".join(encode(header, body) for header, body in frames)
    decoder, found = Decoder(), []
    for start in range(0, len(stream), size):
        decoder.feed(stream[start:start + size])
        found += list(decoder.frames())
    assert found == [Frame(header, body) for header, body in frames]
    assert not decoder.pending()


@given(st.binary(max_size=400))
def test_any_bytes_give_frames_or_a_wire_error(data: bytes) -> None:
    decoder = Decoder()
    decoder.feed(data)
    try:
        for frame in decoder.frames():
            assert isinstance(frame.kind, str)
    except WireError:
        pass


@given(st.binary(max_size=60), st.binary(max_size=20))
def test_any_header_text_gives_frames_or_a_wire_error(text: bytes, body: bytes) -> None:
    decoder = Decoder()
    decoder.feed(struct.pack(">II", len(text), len(body)) + text + body)
    try:
        frames = list(decoder.frames())
    except WireError:
        return
    assert json.loads(text) == frames[0].header


@pytest.mark.parametrize("lengths", [(HEADER_LIMIT + 1, 0), (2, BODY_LIMIT + 1)])
def test_a_frame_over_the_limits_is_refused_before_it_is_read(lengths: tuple[int, int]) -> None:
    decoder = Decoder()
    decoder.feed(struct.pack(">II", *lengths))
    with pytest.raises(WireError, match="over the limits"):
        list(decoder.frames())


def test_the_end_of_the_stream_inside_a_frame_is_an_error() -> None:
    pieces = iter([encode({"t": "bye"})[:-3], b""])
    with pytest.raises(WireError, match="inside a frame"):
        read_frame(lambda: next(pieces), Decoder())


def test_the_end_of_the_stream_between_frames_is_none() -> None:
    pieces = iter([encode({"t": "bye"}), b""])
    decoder = Decoder()
    assert read_frame(lambda: next(pieces), decoder) == Frame({"t": "bye"}, b"")
    assert read_frame(lambda: next(pieces), decoder) is None
