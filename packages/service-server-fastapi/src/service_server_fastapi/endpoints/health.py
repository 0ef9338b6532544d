"""Health endpoints: those of the process, and those of components.

They use none of the calls' threads and none of their limits, so they answer while all of them are in use.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from service_core import CheckResult, Health, HealthStatus
from service_health import HealthCheckManager
from service_server_fastapi.lifecycle.hosting import Hosting, HostingState
from service_server_fastapi.paths import LIVE, READY

logger: Final = logging.getLogger("service.health")


class ServerHealth:
    """The health of a server, from its checks and its components."""

    def __init__(self, hosting: Hosting, checks: HealthCheckManager, *, timeout: float) -> None:
        """``timeout`` is the time in seconds that ``get_health`` of a component may take."""
        self._hosting = hosting
        self._checks = checks
        self._timeout = timeout
        self._endpoints: dict[str, Callable[[], Awaitable[Health]]] = {LIVE: self.live, READY: self.ready}

    def add_component(self, path: str, get_health: Callable[[], Awaitable[Health]]) -> Callable[[], Awaitable[Health]]:
        """Add a component with the path of its endpoint; returns the check of that endpoint."""
        self._endpoints[path] = lambda: self.of_component(get_health)
        return self._endpoints[path]

    async def all(self) -> dict[str, Health]:
        """The results of all endpoints, by their paths."""
        found = await asyncio.gather(*(check() for check in self._endpoints.values()))
        return dict(zip(self._endpoints, found, strict=True))

    def begin(self) -> None:
        """Set the registry's source of the health of components; it is called on any loop, and runs on the server's."""
        loop = asyncio.get_running_loop()

        async def health_of(name: str) -> Health:
            get_health = self._hosting.host.running[name].get_health
            return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.of_component(get_health), loop))

        self._hosting.manager.component_registry.set_health_source(health_of)

    async def live(self) -> Health:
        """The results of the checks of the group "liveness"."""
        return await self._checks.check("liveness")

    async def ready(self) -> Health:
        """Whether the components are registered, and the results of the checks of the group "readiness"."""
        state = self._hosting.state
        if state is not HostingState.READY:
            return _not_ready(state)
        found = await self._checks.check("readiness")
        return Health.of([_server(HealthStatus.OK, state), *found.checks.values()])

    async def of_component(self, get_health: Callable[[], Awaitable[Health]]) -> Health:
        """The health of a component; an error if ``get_health`` fails, and after it was deregistered.

        Other workers on the same port may keep the registration. Then its health is that of the instance, so a
        worker that stops does not report an error: the registry would apply it to all workers.
        """
        if self._hosting.has_left and not self._hosting.manager.component_registry.is_kept_by_others():
            return _not_ready(self._hosting.state)
        limit = asyncio.timeout(self._timeout)
        try:
            async with limit:
                health = await get_health()
        except Exception as error:
            if limit.expired():
                return _unavailable(f"did not answer within {self._timeout:g} s")
            logger.exception("get_health() of a component raised")
            return _unavailable(f"raised {type(error).__name__}")
        return health if isinstance(health, Health) else _unavailable(f"returned {type(health).__name__}, not a Health")


def _server(status: HealthStatus, state: HostingState) -> CheckResult:
    return CheckResult(name="server", status=status, details=state.value)


def _not_ready(state: HostingState) -> Health:
    return Health.of([_server(HealthStatus.ERROR, state)])


def _unavailable(details: str) -> Health:
    return Health.of([CheckResult(name="get_health", status=HealthStatus.ERROR, details=details)])
