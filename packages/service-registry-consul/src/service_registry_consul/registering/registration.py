"""The registration of a component of this process. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from service_core import ChannelAddress, LocalServiceException, Server
from service_core.hosting import WILDCARDS
from service_core.registry import LOCAL
from service_registry_consul.meta import write_channels
from service_registry_consul.settings import ConsulSettings

TAG: Final = "component"
"""Marks registrations of components; aspyx-service writes it too."""
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
"""Hosts that only processes of the same machine reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """One component as one instance registers it."""

    id: str
    """``address:port:component``, the same after a restart, so that a restart replaces."""
    component: str
    """The component's name, which is the service name in Consul."""
    address: str
    """The host at which others reach this process."""
    port: int
    """The port at which others reach this process."""
    tags: tuple[str, ...]
    """Tags, for users of Consul's interface."""
    meta: Mapping[str, str]
    """The channels, and what selectors of callers look at."""
    check: Mapping[str, Any]
    """The check, as the agent's API defines it; without the initial state."""

    @property
    def check_id(self) -> str:
        """The id of the check."""
        return f"service:{self.id}"

    @property
    def needs_heartbeat(self) -> bool:
        """Whether this process has to send heartbeats."""
        return "TTL" in self.check

    def is_same_as(self, service: Any) -> bool:
        """Whether the agent's description of a service, None for none, is equal to this."""
        return (
            isinstance(service, Mapping)
            and service.get("Service") == self.component
            and service.get("Address") == self.address
            and service.get("Port") == self.port
            and service.get("Meta") == dict(self.meta)
        )


def plan_registration(
    component: str,
    addresses: Sequence[ChannelAddress],
    *,
    port: int,
    health: str | None,
    settings: ConsulSettings,
) -> Registration | None:
    """The registration of a component, None if no other process could call it.

    ``port`` is the server's port, 0 if it is that of the first address; ``health`` the path of the health
    endpoint. Raises LocalServiceException if an address does not fit into Consul or is that of a Unix domain socket, or
    the port is unknown.
    """
    offered = [address for address in addresses if address.channel != LOCAL]
    if not offered:
        return None
    for address in offered:
        if address.uri.startswith("http+unix:"):
            raise LocalServiceException(
                f"component '{component}': only processes of this machine reach {address.uri}, but Consul reports it "
                f"to all machines; serve on a port, or use StaticComponentRegistry or connect() on this machine"
            )
    host, url_port, scheme, prefix = _location(offered)
    host = settings.advertise_address or host or Server.get_local_ip()
    own_port = url_port or port  # callers use the addresses, so the check has to
    port = settings.advertise_port or own_port
    if not port:
        raise LocalServiceException(
            f"component '{component}': neither the registry nor an address has the port; "
            f"write ConsulComponentRegistry(port=Server.port, ...) or set 'advertise_port'"
        )
    try:
        meta = write_channels([_advertised(address, own_port, settings) for address in offered])
    except LocalServiceException as error:
        raise LocalServiceException(f"component '{component}': {error.message}") from error
    service_id = f"{host}:{port}:{component}"
    return Registration(
        id=service_id,
        component=component,
        address=host,
        port=port,
        tags=tuple(dict.fromkeys((TAG, *settings.tags))),
        meta={**settings.metadata, **meta},
        check={
            "CheckID": f"service:{service_id}",
            "Name": f"component {component}",
            **_check(f"{scheme}://{_netloc(host, port)}{prefix}", health, settings),
        },
    )


def _location(addresses: Sequence[ChannelAddress]) -> tuple[str, int, str, str]:
    """Host, port, scheme and path of the first address that has them; empty if it has no host."""
    for address in addresses:
        try:
            parts = urlsplit(address.uri)
            host, port = parts.hostname, parts.port
        except ValueError:
            continue
        if host and parts.scheme in ("http", "https"):
            return ("" if host in WILDCARDS else host), port or 0, parts.scheme, parts.path.rstrip("/")
    return "", 0, "http", ""


def _advertised(address: ChannelAddress, own_port: int, settings: ConsulSettings) -> ChannelAddress:
    """An address of this server as others reach it; one of another server stays unchanged."""
    if settings.advertise_address is None and settings.advertise_port is None:
        return address
    try:
        parts = urlsplit(address.uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return address
    if port is None or port != own_port or host not in {Server.get_local_ip(), Server.host, *WILDCARDS, *LOOPBACK}:
        return address
    netloc = _netloc(settings.advertise_address or host, settings.advertise_port or port)
    return ChannelAddress(address.channel, urlunsplit(parts._replace(netloc=netloc)))


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _check(url: str, health: str | None, settings: ConsulSettings) -> dict[str, Any]:
    check: dict[str, Any]
    if settings.check == "ttl":
        check = {"TTL": _duration(settings.ttl)}
    else:
        target: dict[str, Any] = {"TCP": urlsplit(url).netloc}
        if health is not None:
            target = {"HTTP": f"{url}/{health.lstrip('/')}"}
            if settings.check_any_certificate:
                target["TLSSkipVerify"] = True
        check = {
            **target,
            "Interval": _duration(settings.check_interval),
            "Timeout": _duration(settings.check_timeout),
        }
    if settings.deregister_after is not None:
        check["DeregisterCriticalServiceAfter"] = _duration(settings.deregister_after)
    return check


def _duration(seconds: float) -> str:
    """A duration in Go's notation; whole milliseconds."""
    return f"{max(1, round(seconds * 1000))}ms"
