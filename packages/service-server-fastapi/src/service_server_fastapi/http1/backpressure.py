"""How much of an answer is still to be taken by its reader."""

from __future__ import annotations

import asyncio
import sys

if sys.platform == "linux":
    from fcntl import ioctl
    from termios import TIOCOUTQ

__all__ = ["unsent"]


def unsent(transport: asyncio.WriteTransport) -> int:
    """Bytes that the other side has not received yet; 0 if the rest can do without the transport.

    Those in the buffer of the operating system count where it tells of them, on Linux: it makes room by the megabyte,
    so somebody who reads slowly is told from somebody who does not read by nothing else.
    """
    size = transport.get_write_buffer_size()
    if size > 0 and sys.platform == "linux":
        try:
            told = ioctl(transport.get_extra_info("socket").fileno(), TIOCOUTQ, bytes(4))  # tcp(7), SIOCOUTQ
        except (OSError, ValueError):  # it is closed
            return size
        size += int.from_bytes(told, sys.byteorder)
    return size
