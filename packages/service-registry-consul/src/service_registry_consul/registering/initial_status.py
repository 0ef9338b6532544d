"""The state of a component at its registration.

Consul treats a new check as critical until it has run once, up to an interval later. A registration can contain the
state of its check; so the check is run first, in the same way as Consul does it.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
import ssl
from collections.abc import Mapping
from typing import Any, Final, Literal

from service_core import HealthStatus
from service_core.registry import HealthSource
from service_core.tls import unverified
from service_registry_consul.connection.http_exchange import get
from service_registry_consul.registering.registration import Registration

logger: Final = logging.getLogger("service.registry.consul")

State = Literal["passing", "warning", "critical"]

_STATES: Final[Mapping[HealthStatus, State]] = {
    HealthStatus.OK: "passing",
    HealthStatus.WARNING: "warning",
    HealthStatus.ERROR: "critical",
}


async def state_of(registration: Registration, source: HealthSource | None, timeout: float) -> State:  # noqa: ASYNC109
    """The state of a component: what its check would find, or what ``source`` reports if this process has to.

    Without a source it is healthy as long as it is registered.
    """
    if not registration.needs_heartbeat:
        return await probe(registration.check, timeout)
    return "passing" if source is None else await query_source(source, registration.component, timeout)


async def probe(check: Mapping[str, Any], timeout: float) -> State:  # noqa: ASYNC109
    """The state that an HTTP or TCP check would find; takes little more than ``timeout`` seconds."""
    try:
        if "HTTP" in check:
            return _state(await get(check["HTTP"], within=timeout, tls=_context(check)))
        host, _, port = check["TCP"].rpartition(":")
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
        writer.transport.abort()
    except (OSError, EOFError, ValueError, http.client.HTTPException, asyncio.LimitOverrunError):
        return "critical"
    return "passing"


async def query_source(source: HealthSource, component: str, timeout: float) -> State:  # noqa: ASYNC109
    """The state that a health source reports; critical if it raises or takes longer than ``timeout`` seconds."""
    try:
        async with asyncio.timeout(timeout):
            return _STATES[(await source(component)).status]
    except Exception:
        logger.exception("the health source failed for component '%s', which counts as critical", component)
        return "critical"


def log_registered(registration: Registration, state: State) -> None:
    """Log a registration: a warning if no caller gets the instance, since its health is critical."""
    if state != "critical":
        logger.info("registered '%s' as %s", registration.id, state)
        return
    target = registration.check.get("HTTP") or registration.check.get("TCP")
    logger.warning(
        "registered '%s' as critical: callers do not get it until it is healthy; %s",
        registration.id,
        "its health source reports an error"
        if registration.needs_heartbeat
        else f"its health check {target} fails, so look at its answer, and whether the server listens on that address",
    )


def _context(check: Mapping[str, Any]) -> ssl.SSLContext | None:
    """A TLS context like the agent's, which trusts the authorities of the system, too."""
    if not check["HTTP"].startswith("https:"):
        return None
    return unverified() if check.get("TLSSkipVerify", False) else ssl.create_default_context()


def _state(status: int) -> State:
    # The agent's own rule (agent/checks, CheckHTTP).
    if 200 <= status < 300:
        return "passing"
    return "warning" if status == 429 else "critical"
