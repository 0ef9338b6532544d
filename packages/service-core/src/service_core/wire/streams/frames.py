"""Frames: the form of a stream on the wire. Bytes in, frames out; no sockets.

A stream is a sequence of frames in the body of one HTTP request or response, of a media type of its own::

    length   4 bytes, big-endian   how many bytes the payload has
    kind     1 byte                see :class:`FrameKind`
    call     4 bytes, big-endian   which call the frame belongs to; 1 where a body carries a single call
    payload

A request without an input stream is an ordinary one; one with an input stream begins with a ``CALL`` frame, whose
payload is the envelope of an ordinary request. A body that ends without ``END`` or ``ERROR`` was cut off.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

from service_core.wire.codec import MalformedData

STREAM_TYPES: Final = {
    "application/json": "application/vnd.service.stream+json",
    "application/msgpack": "application/vnd.service.stream+msgpack",
}
"""The media type of a stream whose payloads have the media type of an ordinary call."""

STOPPING: Final = "ServerStopping"
"""The type of the error that ends a stream when its server stops."""

_HEAD: Final = Struct("!IBI")
CALL: Final = 1
"""The number of the call: a request carries one, so there is no other yet."""


class FrameKind(IntEnum):
    """What a frame carries."""

    CALL = 0
    """The envelope of the request: method and arguments."""
    ITEMS = 1
    """A list of items, at least one."""
    END = 2
    """Nothing: all items have been sent."""
    ERROR = 3
    """The envelope of a response with an exception: no item follows."""
    IDLE = 4
    """Nothing: the stream waits for its next item, and its connection is in use."""


class Frame(NamedTuple):
    """One frame."""

    kind: FrameKind
    call: int
    payload: bytes


def frame(kind: FrameKind, payload: bytes = b"", *, call: int = CALL) -> bytes:
    """A frame as bytes."""
    return _HEAD.pack(len(payload), kind, call) + payload


def check_call(came: Frame) -> Frame:
    """The frame. Raises MalformedData if it belongs to another call, of which a body carries none."""
    if came.call != CALL:
        raise MalformedData(f"a frame of call {came.call}, where {CALL} is the only one")
    return came


class FrameReader:
    """Takes the bytes of a body as they come and gives the frames that are complete. Used by one thread or task."""

    __slots__ = ("_buffer", "_max_bytes")

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` limits the payload of a frame."""
        self._buffer = bytearray()
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that end in ``data``, without those that say nothing.

        Raises MalformedData: an unknown kind, or a payload over the limit.
        """
        buffer = self._buffer
        buffer += data
        frames: list[Frame] = []
        at = 0
        while len(buffer) - at >= _HEAD.size:
            length, kind, call = _HEAD.unpack_from(buffer, at)
            if kind >= _UNKNOWN:
                raise MalformedData(f"frame of unknown kind {kind}")
            if length > self._max_bytes:
                raise MalformedData(f"frame of {length} bytes, where {self._max_bytes} are allowed")
            end = at + _HEAD.size + length
            if end > len(buffer):
                break
            if kind != FrameKind.IDLE:
                frames.append(Frame(_KINDS[kind], call, bytes(buffer[at + _HEAD.size : end])))
            at = end
        del buffer[:at]
        return frames


_KINDS: Final = tuple(FrameKind)
_UNKNOWN: Final = len(_KINDS)
