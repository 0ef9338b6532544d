"""The server as the core sees it: something with a port that can show a component's health."""

from __future__ import annotations

import functools
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final

from service_core.health import Health

__all__ = ["WILDCARDS", "Server"]

WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
"""Hosts that stand for all addresses of the machine."""


class Server(ABC):
    """The base of all servers."""

    port: ClassVar[int] = 0
    """The port of the server that was bound last in this process, 0 before. Set before modules create objects."""

    host: ClassVar[str] = ""
    """The address to which that server was bound."""

    @staticmethod
    def get_local_ip() -> str:
        """The address under which others reach the server of this process.

        It is the one that the server was bound to; if that stands for all addresses, the one of the interface with
        the default route, and without a network ``127.0.0.1``. Nothing is sent to find out.
        """
        return _outbound_address() if Server.host in WILDCARDS else Server.host

    @abstractmethod
    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Answer GET requests for ``path`` with what ``check`` says."""


@functools.cache
def _outbound_address() -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # A datagram socket that is connected only looks the route up (TEST-NET-1, RFC 5737).
            probe.connect(("192.0.2.1", 9))
            address: str = probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
        return address
