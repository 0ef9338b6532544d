"""The agent's API for servers: register, deregister, heartbeat."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from service_registry_consul.connection.connection import AgentConnection
from service_registry_consul.connection.errors import ConsulError, ConsulRefusal, ConsulUnreachable, malformed_answer
from service_registry_consul.registering.initial_status import State
from service_registry_consul.registering.registration import Registration
from service_registry_consul.settings import ConsulSettings

_AFTER_LOSS: Final = 0.25
"""Seconds after which an agent that has closed the connection is contacted again."""


class Agent:
    """Requests over one connection, one after the other. Used on one event loop."""

    def __init__(self, settings: ConsulSettings) -> None:
        """Nothing is sent."""
        self._url = settings.address
        self._connection = AgentConnection(settings)
        self.limit: float | None = None
        """The most seconds that a request may take, None for what the settings say."""

    @property
    def descriptor(self) -> int:
        """The file descriptor of the open connection, -1 if there is none."""
        return self._connection.descriptor

    async def services(self) -> Mapping[str, Any]:
        """The agent's services, by id. Raises ConsulError."""
        services = (await self._connection.get("/v1/agent/services", {}, self._within)).body
        if not isinstance(services, dict):
            raise malformed_answer(self._url, f"services are {services!r:.100}")
        return services

    async def register(self, registration: Registration, state: State) -> None:
        """Register, or replace a registration; ``state`` counts until the check has run. Raises ConsulError."""
        service = {
            "ID": registration.id,
            "Name": registration.component,
            "Address": registration.address,
            "Port": registration.port,
            "Tags": list(registration.tags),
            "Meta": dict(registration.meta),
            "Check": {**registration.check, "Status": state},
        }
        await self._connection.put("/v1/agent/service/register", service, self._within)

    async def deregister(self, service_id: str) -> None:
        """Deregister a service. Raises ConsulError."""
        await self._connection.put(f"/v1/agent/service/deregister/{quote(service_id)}", None, self._within)

    async def heartbeat(self, registration: Registration, state: State) -> None:
        """Report the state of a TTL check. Raises ConsulError, also for an unknown check."""
        verb = {"passing": "pass", "warning": "warn", "critical": "fail"}[state]
        await self._connection.put(f"/v1/agent/check/{verb}/{quote(registration.check_id)}", None, self._within)

    async def wait_for_change(self, service_id: str, seconds: float) -> None:
        """Return when a registration has changed since the call of this method, or after ``seconds``.

        Raises ConsulError; the connection breaks when the agent ends.
        """
        path = f"/v1/agent/service/{quote(service_id)}"
        try:
            found = (await self._connection.get(path, {}, self._within)).body
            if not isinstance(found, dict) or not isinstance(found.get("ContentHash"), str):
                raise malformed_answer(self._url, f"a service is {found!r:.100}")
            query = {"hash": found["ContentHash"], "wait": f"{seconds:g}s"}
            await self._connection.get(path, query, seconds * 17 / 16 + 5.0)
        except ConsulRefusal as refusal:
            if refusal.status != 404:  # 404: it is deregistered
                raise

    async def wait_for_loss(self, service_id: str, seconds: float) -> None:
        """Return when a registration has changed or the agent has ended, or after ``seconds``.

        Does not return if the agent does not support that query.
        """
        try:
            await self.wait_for_change(service_id, seconds)
        except ConsulUnreachable:
            await asyncio.sleep(_AFTER_LOSS)
        except ConsulError:
            await asyncio.Event().wait()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    @property
    def _within(self) -> float:
        limit = self._connection.time_limit
        return limit if self.limit is None else min(limit, self.limit)
