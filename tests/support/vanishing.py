"""A machine that is gone: its socket neither takes nor acknowledges anything, and nothing says so to the other side."""

from __future__ import annotations

import ctypes
import socket
import struct

__all__ = ["vanish"]

_SO_ATTACH_FILTER = 26
_DROP = struct.pack("HBBI", 0x06, 0, 0, 0)
"""The program ``return 0`` of the Berkeley Packet Filter: no byte of any packet is kept."""


def vanish(connected: socket.socket) -> None:
    """Let the system drop all packets for a socket before TCP sees them, as from now on. Linux only."""
    program = ctypes.create_string_buffer(_DROP)
    connected.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
