"""The server as the core sees it: it has an address and can show the health of components."""

from __future__ import annotations

import functools
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar
from urllib.parse import urlsplit

from service_core.addresses import unix_url
from service_core.declaring.health import Health
from service_core.errors import LocalServiceException

V = TypeVar("V")

WILDCARDS: Final = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, not bound to
"""Hosts that stand for all addresses of the machine."""

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAddress:
    """The address to which a server is bound."""

    host: str = ""
    port: int = 0
    scheme: Literal["http", "https"] = "http"
    path: str = ""
    """The prefix below which it serves, ``/api``, or empty."""
    uds: str = ""
    """The path of the Unix domain socket on which it listens instead of host and port, or empty."""


_booting: Final[ContextVar[ServerAddress | None]] = ContextVar("service_server_address", default=None)
"""The address of the server that boots in this context."""


class _AddressField(Generic[V]):
    """A class attribute that reads a field of the current address; assigning to the class replaces it."""

    def __init__(self, read: Callable[[ServerAddress], V]) -> None:
        self._read = read

    def __get__(self, instance: object, owner: type[Server]) -> V:
        return self._read(owner.current_address())


class Server(ABC):
    """The base of all servers."""

    _last = ServerAddress()

    port = _AddressField(lambda address: address.port)
    """The port of the server that is booting here, else of the one that was bound last in this process, 0 before."""

    host = _AddressField(lambda address: address.host)
    """The address to which that server was bound."""

    scheme = _AddressField(lambda address: address.scheme)
    """The URL scheme of that server."""

    @staticmethod
    def current_address() -> ServerAddress:
        """The address of the server that is booting in this context, else of the one that was bound last."""
        return _booting.get() or Server._last

    @staticmethod
    @contextmanager
    def booting(address: ServerAddress) -> Iterator[None]:
        """Make ``address`` the current one inside the block, independent of other servers of the process."""
        Server._last = address
        token = _booting.set(address)
        try:
            yield
        finally:
            _booting.reset(token)

    @staticmethod
    def get_local_ip() -> str:
        """The address under which other machines reach the server of this process.

        It is the one that the server was bound to; if that stands for all addresses, the one of the interface with
        the default route, and without a network ``127.0.0.1``. Nothing is sent to find out.
        """
        return _outbound_address() if Server.host in WILDCARDS else Server.host

    @staticmethod
    def get_url(port: int) -> str:
        """The URL under which other machines reach the server of this process, ``https://10.1.2.3:8443``.

        For ``get_addresses`` of components: it is right with TLS and without, and puts IPv6 addresses into brackets.
        On a Unix domain socket it is ``http+unix://`` and the path of the socket, for processes of this machine.
        """
        address = Server.current_address()
        location = unix_url(address.uds) if address.uds else url_of(Server.scheme, Server.get_local_ip(), port)
        return location + address.path

    @abstractmethod
    def route_health(self, path: str, check: Callable[[], Awaitable[Health]]) -> None:
        """Answer GET requests for ``path`` with the result of ``check``."""


def url_of(scheme: str, host: str, port: int) -> str:
    """A URL without a path; an IPv6 address needs no brackets."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def check_address(uri: str, where: str) -> None:
    """Raise LocalServiceException if ``uri`` is an address of a server of this process at which it does not listen:
    plain HTTP where it is HTTPS only, or a port where it listens on a Unix domain socket.

    ``where`` names the source of the address, for the message.
    """
    uds = Server.current_address().uds
    if not uri.startswith(("http:", "https:") if uds else "http:") or not (uds or Server.scheme == "https"):
        return
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:  # the caller's channel refuses it
        return
    if port != Server.port or host not in {Server.get_local_ip(), Server.host, *_LOOPBACK}:
        return
    listens = f"listens on the Unix socket {uds} only" if uds else "speaks https only"
    raise LocalServiceException(
        f"{where} says {uri}, but the server {listens}; use Server.get_url(port), which is right with and without TLS "
        f"and for Unix sockets"
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
