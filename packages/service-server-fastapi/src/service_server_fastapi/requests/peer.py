"""The process at the other end of a Unix domain socket, as the system knows it."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Final

__all__ = ["PEER", "PeerCredentials", "peer_of"]

PEER: Final = "service.peer"
"""The name of the credentials among the extensions of an ASGI scope."""
_UCRED: Final = struct.Struct("iII")
"""``struct ucred`` of unix(7): pid, uid, gid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCredentials:
    """Who has connected. The system vouches for it: no client can give other values than its own.

    They are those of the process that opened the connection, at that time.
    """

    pid: int
    """The process, as this process sees it; 0 if it is outside of its PID namespace. The number can be in use again
    after the process has ended, so it is good for a log, not for a decision."""
    uid: int
    """The user, as effective when it connected."""
    gid: int
    """The primary group, likewise; others that the user belongs to are not listed."""


def peer_of(transport: asyncio.BaseTransport) -> PeerCredentials | None:
    """The credentials of the client of a connection; None over TCP, and where the system has no ``SO_PEERCRED``."""
    connected = transport.get_extra_info("socket")
    option = getattr(socket, "SO_PEERCRED", None)  # on Linux
    if option is None or connected is None or connected.family != socket.AF_UNIX:
        return None
    try:
        pid, uid, gid = _UCRED.unpack(connected.getsockopt(socket.SOL_SOCKET, option, _UCRED.size))
    except OSError:  # it is closed already
        return None
    return PeerCredentials(pid=pid, uid=uid, gid=gid)
