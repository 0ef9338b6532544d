"""Streams on the wire: frames, and the items and errors in them."""

from service_core.wire.streams.frames import STOPPING, STREAM_TYPES, Frame, FrameKind, FrameReader, check_call, frame
from service_core.wire.streams.items import read_items, stream_error, write_call, write_end, write_items
from service_core.wire.streams.writer import FrameWriter, StreamWriter

__all__ = [
    "STOPPING",
    "STREAM_TYPES",
    "Frame",
    "FrameKind",
    "FrameReader",
    "FrameWriter",
    "check_call",
    "StreamWriter",
    "frame",
    "read_items",
    "stream_error",
    "write_call",
    "write_end",
    "write_items",
]
