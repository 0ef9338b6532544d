"""The server as the core sees it: something with a port that can show a component's health."""

from __future__ import annotations

import functools
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import ClassVar, Final, Literal
from urllib.parse import urlsplit

from service_core.declaring.health import Health
from service_core.errors import LocalServiceException

__all__ = ["WILDCARDS", "Server", "check_scheme", "url_of"]

WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
"""Hosts that stand for all addresses of the machine."""

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Server(ABC):
    """The base of all servers."""

    port: ClassVar[int] = 0
    """The port of the server that was bound last in this process, 0 before. Set before modules create objects."""

    host: ClassVar[str] = ""
    """The address to which that server was bound."""

    scheme: ClassVar[Literal["http", "https"]] = "http"
    """How that server is spoken to."""

    @staticmethod
    def get_local_ip() -> str:
        """The address under which others reach the server of this process.

        It is the one that the server was bound to; if that stands for all addresses, the one of the interface with
        the default route, and without a network ``127.0.0.1``. Nothing is sent to find out.
        """
        return _outbound_address() if Server.host in WILDCARDS else Server.host

    @staticmethod
    def get_url(port: int) -> str:
        """The URL under which others reach the server of this process, ``https://10.1.2.3:8443``.

        For ``get_addresses`` of components: it is right with TLS and without, and puts IPv6 addresses into brackets.
        """
        return url_of(Server.scheme, Server.get_local_ip(), port)

    @abstractmethod
    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Answer GET requests for ``path`` with what ``check`` says."""


def url_of(scheme: str, host: str, port: int) -> str:
    """A URL without a path; an IPv6 address needs no brackets."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def check_scheme(uri: str, where: str) -> None:
    """Raise LocalServiceException if ``uri`` is the server of this process over HTTP, and that speaks HTTPS only.

    ``where`` tells who says so.
    """
    if Server.scheme != "https" or not uri.startswith("http:"):
        return
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:  # clients will say so
        return
    if port == Server.port and host in {Server.get_local_ip(), Server.host, *_LOOPBACK}:
        raise LocalServiceException(
            f"{where} says {uri}, but the server speaks https only; use Server.get_url(port), which is right with and "
            f"without TLS"
        )


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
