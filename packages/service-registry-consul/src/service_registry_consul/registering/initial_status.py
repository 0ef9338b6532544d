"""How a component of this process is right now, for a registration that claims nothing that is not so.

Consul takes a new check for critical until it has run once, up to an interval later. Whoever registers can
say how the check would end; so it is tried first, the way Consul does it.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from service_core.declaring.health import Health, HealthStatus

__all__ = ["HealthSource", "State", "ask", "probe"]

logger: Final = logging.getLogger("service.registry.consul")

State = Literal["passing", "warning", "critical"]

HealthSource = Callable[[str], Awaitable[Health]]
"""Tells the health of a component, by name. Run by a thread of the registry, on an event loop of its own."""

_STATES: Final[Mapping[HealthStatus, State]] = {
    HealthStatus.OK: "passing",
    HealthStatus.WARNING: "warning",
    HealthStatus.ERROR: "critical",
}


def probe(check: Mapping[str, Any], timeout: float) -> State:
    """The state that an HTTP or TCP check would find; takes little more than ``timeout`` seconds."""
    try:
        if "HTTP" in check:
            return _state(_get(check["HTTP"], timeout, any_certificate=check.get("TLSSkipVerify", False)))
        host, _, port = check["TCP"].rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
    except (OSError, http.client.HTTPException):
        return "critical"
    return "passing"


def ask(source: HealthSource, component: str, timeout: float) -> State:
    """The state that a health source tells; critical if it raises or takes longer than ``timeout`` seconds."""
    try:
        health = asyncio.run(_within(source(component), timeout))
        return _STATES[health.status]
    except Exception:
        logger.exception("the health of component '%s' cannot be told, so it counts as critical", component)
        return "critical"


async def _within(health: Awaitable[Health], seconds: float) -> Health:
    async with asyncio.timeout(seconds):
        return await health


def _get(url: str, timeout: float, *, any_certificate: bool) -> int:
    parts = urlsplit(url)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=_context(any_certificate))
        if parts.scheme == "https"
        else http.client.HTTPConnection(host, parts.port, timeout=timeout)
    )
    try:
        connection.request("GET", parts.path, headers={"User-Agent": "Consul Health Check"})
        return connection.getresponse().status
    finally:
        connection.close()


def _context(any_certificate: bool) -> ssl.SSLContext:
    """As the agent does it, which believes the authorities of the system, too."""
    context = ssl.create_default_context()
    if any_certificate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _state(status: int) -> State:
    # The agent's own rule (agent/checks, CheckHTTP).
    if 200 <= status < 300:
        return "passing"
    return "warning" if status == 429 else "critical"
