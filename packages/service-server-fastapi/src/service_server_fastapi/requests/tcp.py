"""TCP below a connection of the server: its options, and what the operating system knows about the client.

A client whose machine or network is gone says nothing. Its system is asked for a sign of life when nothing is under way
(keep-alive probes). While something is, acknowledgements are the sign: a client that is slow, or does not read at all,
still acknowledges what is sent to it, or the probes of its closed window.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from struct import Struct
from typing import Final

LOOK: Final = 5.0
"""Seconds between two checks whether the client of a stream is lost."""
_LOST_MS: Final = 20_000
"""Milliseconds without an acknowledgement of what was sent, after which a client is lost."""
_PROBES: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2}
"""Seconds without a packet before the first probe, seconds between two, and the number without an answer."""
_INFO: Final = Struct("=2x2B52xI60xQ")
"""Of ``struct tcp_info`` of Linux: retransmits, probes, last_ack_recv in ms, bytes_acked."""
_UNANSWERED: Final = 2
"""Packets in a row without an acknowledgement; one may be under way."""


def send_at_once(transport: asyncio.BaseTransport) -> None:
    """Let small packets not wait for acknowledgements; event loops do so only for sockets that they have made."""
    connected = _tcp(transport)
    if connected is not None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def probe(transport: asyncio.BaseTransport) -> None:
    """Let the system close the connection if the client does not answer while nothing is under way."""
    connected = _tcp(transport)
    if connected is None:
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES.items():
        if hasattr(socket, name):  # not on every system
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def is_lost(transport: asyncio.BaseTransport) -> bool:
    """Whether the client's system has not acknowledged what was sent for too long. Always false but on Linux."""
    info = _info(transport)
    if info is None:
        return False
    retransmits, probes, silent_ms, _ = info
    return max(retransmits, probes) >= _UNANSWERED and silent_ms > _LOST_MS


def taken(transport: asyncio.WriteTransport) -> int:
    """A number that grows as long as the other side takes something of what was sent.

    On Linux it is the number of bytes that its operating system has acknowledged, with TLS as without. The size of the
    transport's buffer, which counts elsewhere, shrinks only by megabytes, and with TLS a part of it is hidden.
    """
    info = _info(transport)
    return -transport.get_write_buffer_size() if info is None else info[3]


def _tcp(transport: asyncio.BaseTransport) -> socket.socket | None:
    connected: socket.socket | None = transport.get_extra_info("socket")
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    return connected


def _info(transport: asyncio.BaseTransport) -> tuple[int, int, int, int] | None:
    connected = _tcp(transport) if sys.platform == "linux" else None
    if connected is None:
        return None
    try:
        info = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)
    except (OSError, ValueError):  # it is closed
        return None
    return _INFO.unpack(info) if len(info) == _INFO.size else None
