"""Frames of streams: bytes in, frames out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.wire.codec import MalformedData
from service_core.wire.streams import Frame, FrameKind, FrameReader, check_call, frame

FRAMES = st.lists(st.builds(Frame, st.sampled_from(FrameKind), st.integers(0, 2**32 - 1), st.binary(max_size=300)))


@given(FRAMES, st.lists(st.integers(1, 40), min_size=1))
def test_frames_arrive_as_they_were_sent_however_their_bytes_are_cut(sent: list[Frame], sizes: list[int]) -> None:
    data = b"".join(frame(each.kind, each.payload, call=each.call) for each in sent)
    reader, arrived, turn = FrameReader(1000), list[Frame](), 0
    while data:
        size = sizes[turn % len(sizes)]
        arrived += reader.feed(data[:size])
        data, turn = data[size:], turn + 1
    assert arrived == [each for each in sent if each.kind is not FrameKind.IDLE]


def test_a_frame_that_is_not_complete_is_kept() -> None:
    reader = FrameReader(1000)
    assert reader.feed(frame(FrameKind.ITEMS, b"[1]")[:-1]) == []
    assert reader.feed(b"]") == [Frame(FrameKind.ITEMS, 1, b"[1]")]


def test_a_frame_over_the_limit_is_refused_before_its_payload_has_come() -> None:
    with pytest.raises(MalformedData, match="frame of 1001 bytes, where 1000 are allowed"):
        FrameReader(1000).feed(frame(FrameKind.ITEMS, b"x" * 1001)[:9])


def test_a_frame_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(MalformedData, match="frame of unknown kind 5"):
        FrameReader(1000).feed(b"\0\0\0\0\x05\0\0\0\1")


def test_a_frame_of_another_call_is_refused() -> None:
    came, other = FrameReader(10).feed(frame(FrameKind.END) + frame(FrameKind.END, call=2))
    assert check_call(came) is came
    with pytest.raises(MalformedData, match="call 2"):
        check_call(other)
