"""Streams on the wire: frames, and the items and errors in them."""

from service_core.wire.streams.frames import STOPPING, STREAM_TYPES, Frame, FrameKind, FrameReader, frame
from service_core.wire.streams.items import read_items, write_call, write_end, write_items

__all__ = [
    "STOPPING",
    "STREAM_TYPES",
    "Frame",
    "FrameKind",
    "FrameReader",
    "frame",
    "read_items",
    "write_call",
    "write_end",
    "write_items",
]
