"""The watch for components beyond the first ones: two queries for any number of components.

The query of checks shows which components' health has changed, and those are read at once. The query of services
shows only that some registration was added, changed or removed. Mostly the first query has shown already which one,
since a check was added or removed with it; so all components are read then, but less often.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, NoReturn
from urllib.parse import quote

from service_registry_consul.connection.connection import AgentConnection
from service_registry_consul.connection.connectivity import Connectivity
from service_registry_consul.connection.errors import malformed_answer
from service_registry_consul.settings import ConsulSettings
from service_registry_consul.watching.query import BlockingQuery, read_options
from service_registry_consul.watching.retry import keep_doing
from service_registry_consul.watching.watched_component import WatchedComponent

_SERVICES: Final = "/v1/catalog/services"
_CHECKS: Final = "/v1/health/state/any"
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]+")
"""Names that a filter expression can contain."""
_ROUND_INTERVAL: Final = 0.8
"""Seconds between two rounds through all components, after two at once; a change is promised within one second."""


def health_query(component: str) -> str:
    """The path of the query for the instances of a component."""
    return f"/v1/health/service/{quote(component, safe='')}"


class SharedWatch:
    """Watches many components with three connections. Used on the event loop of the watches only."""

    def __init__(self, settings: ConsulSettings, connectivity: Connectivity) -> None:
        self._settings = settings
        self._connectivity = connectivity
        self._members: dict[str, WatchedComponent] = {}
        self._queried: frozenset[str] = frozenset()
        self._checks: frozenset[tuple[str, ...]] = frozenset()
        self._queries: list[BlockingQuery] = []
        # Components to read, in the order of dicts.
        self._urgent: dict[str, None] = {}
        self._routine: dict[str, None] = {}
        self._scheduled = asyncio.Event()

    def add(self, watched: WatchedComponent) -> None:
        """Add a component."""
        self._members[watched.name] = watched
        self._schedule(self._urgent, [watched.name])

    def runs(self) -> Iterator[Callable[[], Awaitable[Any]]]:
        """The coroutine functions to run for the duration of the watch."""
        self._queries = [
            self._query(_CHECKS, self._filter, self._on_checks),
            self._query(_SERVICES, dict, self._on_services, pause=_ROUND_INTERVAL),
        ]
        for query in self._queries:
            yield query.run
        yield self._keep_reading

    @property
    def descriptors(self) -> list[int]:
        """The file descriptors of the open connections."""
        return [query.descriptor for query in self._queries]

    def _query(
        self, path: str, query: Callable[[], dict[str, str]], on_answer: Callable[[Any], None], **options: float
    ) -> BlockingQuery:
        return BlockingQuery(
            path,
            query,
            settings=self._settings,
            connectivity=self._connectivity,
            on_answer=on_answer,
            on_doubt=self._doubt,
            **options,
        )

    def _filter(self) -> dict[str, str]:
        self._queried = frozenset(name for name in self._members if _PLAIN.fullmatch(name))
        # Checks without a service are those of whole nodes.
        return {"filter": f'ServiceName == "" or ServiceName matches "^({"|".join(sorted(self._queried))})$"'}

    def _on_checks(self, checks: Any) -> None:
        if not isinstance(checks, list) or not all(isinstance(check, dict) for check in checks):
            raise ValueError("a list of checks was expected")
        known, self._checks = self._checks, frozenset(_identity(check) for check in checks)
        changed = {service for service, *_ in known ^ self._checks}
        if "" in changed:
            self._on_services(None)
        new = self._members.keys() - self._queried  # those that were added since the query was sent, too
        self._schedule(self._urgent, (changed & self._members.keys()) | new)

    def _on_services(self, _: Any) -> None:
        self._schedule(self._routine, self._members)

    def _schedule(self, when: dict[str, None], names: Any) -> None:
        when |= dict.fromkeys(names)
        if when:
            self._scheduled.set()

    async def _keep_reading(self) -> NoReturn:
        await keep_doing(
            self._read_scheduled,
            source="components together",
            connectivity=self._connectivity,
            on_failure=self._doubt,
            pause=0.0,
        )

    async def _read_scheduled(self) -> None:
        await self._scheduled.wait()
        connection = AgentConnection(self._settings)
        try:
            while watched := self._next():
                # One after the other: of two answers about a component, the later one must count.
                answer = await connection.get(
                    health_query(watched.name), read_options(self._settings), connection.time_limit
                )
                try:
                    watched.answered(answer.body)
                except ValueError as error:
                    raise malformed_answer(self._settings.address, str(error)) from error
        finally:
            connection.close()

    def _next(self) -> WatchedComponent | None:
        for names in (self._urgent, self._routine):
            if names:
                name = next(iter(names))
                del names[name]
                return self._members[name]
        self._scheduled.clear()
        return None

    def _doubt(self) -> None:
        for watched in self._members.values():
            watched.doubt()
        self._on_services(None)


def _identity(check: dict[str, Any]) -> tuple[str, ...]:
    keys = ("ServiceName", "Node", "CheckID", "Status", "ModifyIndex")
    return tuple(str(check.get(key, "")) for key in keys)
