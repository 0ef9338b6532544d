"""The ends of a connection: the addresses of both, and the process at the other end of a Unix domain socket."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

PEER: Final = "service.peer"
"""The name of the credentials among the extensions of an ASGI scope."""
_UCRED: Final = struct.Struct("iII")
"""``struct ucred`` of unix(7): pid, uid, gid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerCredentials:
    """The process that has connected, as the system reports it: no client can give other values than its own.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionInfo:
    """What ASGI's scopes say about a connection."""

    server: tuple[str, int | None] | None
    """Host and port; the path and None for a Unix domain socket."""
    client: tuple[str, int] | None
    peer: PeerCredentials | None
    scheme: str
    root_path: str
    state: Mapping[str, Any]
    """The state of the lifespan; each request gets a copy."""
    app: object
    """The application behind what answers requests directly."""

    @classmethod
    def of(cls, transport: asyncio.BaseTransport, root_path: str, state: Mapping[str, Any], app: object) -> Self:
        """The endpoint of a transport."""
        return cls(
            server=_server(transport.get_extra_info("sockname")),
            client=_address(transport.get_extra_info("peername")),
            peer=peer_of(transport),
            scheme="http" if transport.get_extra_info("sslcontext") is None else "https",
            root_path=root_path,
            state=state,
            app=app,
        )


def _server(address: Any) -> tuple[str, int | None] | None:
    return (address, None) if isinstance(address, str) and address else _address(address)


def _address(address: Any) -> tuple[str, int] | None:
    """Host and port of an address of the internet; None for others."""
    return (str(address[0]), int(address[1])) if isinstance(address, tuple) and len(address) >= 2 else None
