"""What a server writes of a stream: the parts of its body, in any form."""

from __future__ import annotations

from typing import Any, Protocol

from service_core.wire.codec import Codec
from service_core.wire.failures.wire_error import WireError
from service_core.wire.streams.frames import STREAM_TYPES, FrameKind, frame
from service_core.wire.values import WireType


class StreamWriter(Protocol):
    """Writes the parts of one stream."""

    content_type: str
    """The media type of the body."""
    has_status: bool
    """Whether a failure before the first item is an answer of its own, with the status of its code."""
    idle: bytes
    """A part that says nothing, sent while no item comes."""
    end: bytes
    """The part after the last item; empty if the end of the body says it."""

    def write_items(self, items: list[Any]) -> bytes:
        """A part with items, at least one. Raises ArgumentException if one does not fit its type."""
        ...

    def write_failure(self, error: WireError) -> bytes:
        """The part after the last item of a stream that has failed."""
        ...


class FrameWriter:
    """Writes the frames of dispatch."""

    has_status = False
    idle = frame(FrameKind.IDLE)
    end = frame(FrameKind.END)

    def __init__(self, codec: Codec, items: WireType) -> None:
        """``items`` is the type of a list of items."""
        self._codec = codec
        self._items = items
        self.content_type = STREAM_TYPES[codec.content_type]

    def write_items(self, items: list[Any]) -> bytes:
        """A frame with items."""
        return frame(FrameKind.ITEMS, self._codec.write_value(self._items, items))

    def write_failure(self, error: WireError) -> bytes:
        """A frame with a failure."""
        return frame(FrameKind.ERROR, self._codec.write_error(error))
