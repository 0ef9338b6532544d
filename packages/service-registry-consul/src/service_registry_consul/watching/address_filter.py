"""Which discovered addresses may be called.

Everyone who may write into Consul can register any address, and callers send tokens to discovered addresses. So an
address is checked before it is used, without resolving or contacting it.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from service_registry_consul.settings import ConsulSettings, Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Clouds hand out credentials under these; the link-local ones are refused with their network.
_METADATA_ADDRESSES: Final = frozenset(
    ipaddress.ip_address(address) for address in ("100.100.100.200", "192.0.0.192", "fd00:ec2::254")
)
_METADATA_NAMES: Final = frozenset({"metadata", "metadata.google.internal", "instance-data"})
# What the C library reads as an IPv4 address although it looks different: 0xa9fea9fe, 2852039166,
# 169.254.43518.
_NUMERIC: Final = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+)){0,3}", re.IGNORECASE)
_ODD: Final = re.compile(r"[^!-~]|\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressFilter:
    """The rules for one registry."""

    schemes: frozenset[str]
    """Schemes that may be used, in lower case."""
    networks: tuple[Network, ...] = ()
    """If not empty, the host must be an IP address in one of them."""

    @classmethod
    def of(cls, settings: ConsulSettings) -> AddressFilter:
        """The rules in the settings."""
        schemes = frozenset(scheme.lower() for scheme in settings.allow_schemes)
        return cls(schemes=schemes, networks=settings.allow_cidrs)

    def objection(self, uri: str) -> str | None:
        """Why an address must not be called, None if it may. The text contains no credentials."""
        if _ODD.search(uri):
            return "it contains characters that are not allowed in a URL"
        try:
            parts = urlsplit(uri)
            host, _ = parts.hostname, parts.port
        except ValueError as error:
            return f"it is not a URL ({error})"
        if parts.scheme.lower() not in self.schemes:
            return f"scheme '{parts.scheme}' is not allowed"
        if "@" in parts.netloc:
            return "it holds credentials"
        if not host:
            return "it names no host"
        return self._objection_to_host(host.rstrip("."))

    def _objection_to_host(self, host: str) -> str | None:
        address = _ip_address(host)
        if address is None:
            if host in _METADATA_NAMES:
                return f"host '{host}' is a metadata service"
            if self.networks:
                return f"host '{host}' is a name, and only addresses in given networks are allowed"
            return None
        if address in _METADATA_ADDRESSES or address.is_link_local:
            return f"host {address} is a metadata or link-local address"
        if address.is_multicast or address.is_unspecified:
            return f"host {address} is not an address of an instance"
        if self.networks and not any(address in network for network in self.networks):
            return f"host {address} is in none of the allowed networks"
        return None


def _ip_address(host: str) -> Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if not _NUMERIC.fullmatch(host):
            return None
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host))
        except OSError:
            return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
