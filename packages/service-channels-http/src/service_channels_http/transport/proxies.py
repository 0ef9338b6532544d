"""Proxies of the environment: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``.

An entry of ``NO_PROXY`` is ``*``, a host name (with all names below it), a host with a port, an address, or a network
such as ``10.0.0.0/8``. Loopback addresses never go through a proxy of the environment.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from service_core import LocalServiceException

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
"""Loopback hosts as written in addresses."""
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentProxy:
    """A proxy and the variable that it comes from."""

    variable: str
    address: str
    """Host and port, without user and password."""


def direct_mounts() -> dict[str, None]:
    """The mounts of an httpx client with which loopback addresses bypass proxies of the environment."""
    return {f"all://{name}": None for name in LOOPBACK_NAMES}


def proxy_for(scheme: str, host: str, port: int) -> EnvironmentProxy | None:
    """The proxy for a server, None if it is called directly.

    Raises LocalServiceException, which names the variable, for a proxy that is not of HTTP.
    """
    proxies = _proxies()
    url = proxies.get(scheme) or proxies.get("all")
    if not url or _is_loopback(host) or _is_exempt(host.lower(), port, proxies.get("no", "")):
        return None
    variable = _variable(scheme if proxies.get(scheme) else "all")
    parts = urlsplit(url if "://" in url else f"http://{url}")
    try:
        name, proxy_port = parts.hostname, parts.port
    except ValueError:
        name, proxy_port = None, None
    if parts.scheme not in _PORTS or not name:
        raise LocalServiceException(
            f"environment variable {variable} is not the address of an HTTP proxy (http://host:port), but applies to a "
            f"call to {host}; correct it, or exempt the host or its network in NO_PROXY"
        )
    return EnvironmentProxy(variable=variable, address=f"{name}:{proxy_port or _PORTS[parts.scheme]}")


def proxy_of(url: str) -> EnvironmentProxy | None:
    """As :func:`proxy_for`, for the address of a request."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS:  # a Unix domain socket
            return None
        return proxy_for(parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme])
    except ValueError:
        return None


def _proxies() -> dict[str, str]:
    """The proxies of the environment by scheme, else those of the system's settings where it has some."""
    if sys.platform not in ("darwin", "win32") and not any(name.lower().endswith("_proxy") for name in os.environ):
        return {}
    import urllib.request  # with what it imports it takes 1 MB, and most programs have no proxy

    return urllib.request.getproxies()


def _variable(scheme: str) -> str:
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    return next((name for name in names if os.environ.get(name)), f"{scheme}_proxy".upper())


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_exempt(host: str, port: int, no_proxy: str) -> bool:
    address = _address(host)
    for entry in (each.strip().lower() for each in no_proxy.split(",")):
        if entry == "*" or (entry and _matches(entry, host, port, address)):
            return True
    return False


def _matches(entry: str, host: str, port: int, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None) -> bool:
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass  # a name, or with a port
    name, colon, its_port = entry.rpartition(":")
    if colon and its_port.isdecimal():
        if int(its_port) != port:
            return False
        entry = name
    # A leading dot excludes the name itself.
    return entry.strip("[]") == host or host.endswith(f".{entry.removeprefix('.')}")
