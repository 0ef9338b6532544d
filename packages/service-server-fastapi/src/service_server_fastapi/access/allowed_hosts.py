"""Names by which a server may be called, so that no page in a browser can reach it by a name of its own (rebinding)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

_NAME: Final = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*"
_PATTERN: Final = re.compile(rf"(?:\*\.)?{_NAME}")
_HOST: Final = re.compile(rf"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>{_NAME})\.?)(?::[0-9]*)?")


def check_host(name: str) -> str:
    """The name in lower case. Raises ValueError if it can be no entry of a list of allowed hosts."""
    if not _PATTERN.fullmatch(name.lower()):
        raise ValueError(
            f"{name!r} is no name of a host; write one such as 'orders.example.org', without scheme and port, or "
            f"'*.example.org' for all below it"
        )
    return name.lower()


class AllowedHosts:
    """Compares the ``Host`` header of requests with a list. Safe to use from several threads."""

    def __init__(self, names: Iterable[str]) -> None:
        """``*.example.org`` matches all names below that one; without any name every host is allowed."""
        self._names = {check_host(name) for name in names}
        self._endings = tuple(name[1:] for name in self._names if name.startswith("*."))

    def allow(self, scope: Scope) -> bool:
        """Whether a request calls the server by a good name, an IP address or ``localhost``."""
        if not self._names:
            return True
        host = host_of(scope)
        return host is not None and (_is_address(host) or host == "localhost" or self._is_listed(host))

    def _is_listed(self, name: str) -> bool:
        return name in self._names or name.endswith(self._endings)


def host_of(scope: Scope) -> str | None:
    """The host that a request names in lower case, without port and brackets; None without exactly one valid one."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    host = _HOST.fullmatch(hosts[0].decode("latin-1").lower()) if len(hosts) == 1 else None
    return None if host is None else host["address"] or host["name"]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
