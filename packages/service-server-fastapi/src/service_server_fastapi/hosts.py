"""Names by which a server may be called, so that no page in a browser can reach it by a name of its own (rebinding)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

__all__ = ["AllowedHosts"]

_NAME: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")


class AllowedHosts:
    """Compares the ``Host`` header of requests with a list. Safe to use from several threads."""

    def __init__(self, names: Iterable[str]) -> None:
        """``*.example.org`` stands for all names below that one; without any name every host is good."""
        self._names = {_plain(name) for name in names}
        self._endings = tuple(name[1:] for name in self._names if name.startswith("*."))

    def allow(self, scope: Scope) -> bool:
        """Whether a request calls the server by a good name, an IP address or ``localhost``."""
        if not self._names:
            return True
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and self._is_good(_plain(hosts[0].decode("latin-1")))

    def _is_good(self, host: str) -> bool:
        if _is_address(host) or host == "localhost":
            return True
        return _NAME.fullmatch(host) is not None and (host in self._names or host.endswith(self._endings))


def _plain(host: str) -> str:
    """The host in lower case, without port, brackets and the dot at the end."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().removesuffix(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
