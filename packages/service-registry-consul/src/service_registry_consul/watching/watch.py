"""Watches any number of components on the event loop of the registry."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from service_core.registry import Snapshot
from service_registry_consul.background import Background
from service_registry_consul.connection.connectivity import Connectivity
from service_registry_consul.machine_locks import Slots
from service_registry_consul.settings import ConsulSettings
from service_registry_consul.watching.address_filter import AddressFilter
from service_registry_consul.watching.query import BlockingQuery
from service_registry_consul.watching.shared_watch import SharedWatch, health_query
from service_registry_consul.watching.watched_component import WatchedComponent


class Watcher:
    """Runs a query for each of the first components, and a shared watch for the others.

    :meth:`follow` may be called by any thread, the rest on the loop.
    """

    def __init__(
        self,
        settings: ConsulSettings,
        connectivity: Connectivity,
        background: Background,
        publish: Callable[[str, Snapshot], None],
    ) -> None:
        """``publish`` is called on the loop."""
        self._settings = settings
        self._connectivity = connectivity
        self._background = background
        self._publish = publish
        self._policy: Final = AddressFilter.of(settings)
        self._slots: Final = Slots(f"watch {settings.address}", settings.max_queries_per_machine)
        self._watched: list[WatchedComponent] = []
        self._queries: list[BlockingQuery] = []
        self._shared: SharedWatch | None = None

    def follow(self, component: str) -> None:
        """Start to watch a component. Does not wait."""
        self._background.call(self._watch, component)

    @property
    def watched(self) -> list[WatchedComponent]:
        """All watched components; only to be read."""
        return list(self._watched)

    @property
    def descriptors(self) -> list[int]:
        """The file descriptors of the open connections."""
        shared = self._shared.descriptors if self._shared is not None else []
        return [*(query.descriptor for query in self._queries), *shared]

    async def run(self) -> None:
        """Wait until cancelled, and then release the resources of the watches."""
        try:
            await asyncio.Event().wait()
        finally:
            for watched in self._watched:
                watched.close()
            self._slots.release()

    def _watch(self, component: str) -> None:
        watched = WatchedComponent(
            component, policy=self._policy, doubt_for=self._settings.doubt_for, publish=self._publish
        )
        if not self._watched:
            self._background.begin(self.run)
        self._watched.append(watched)
        if len(self._queries) >= self._settings.max_queries or not self._slots.take():
            self._share(watched)
            return
        query = BlockingQuery(
            health_query(component),
            dict,
            settings=self._settings,
            connectivity=self._connectivity,
            on_answer=watched.answered,
            on_doubt=watched.doubt,
        )
        self._queries.append(query)
        self._background.begin(query.run)

    def _share(self, watched: WatchedComponent) -> None:
        if self._shared is None:
            self._shared = SharedWatch(self._settings, self._connectivity)
            for run in self._shared.runs():
                self._background.begin(run)
        self._shared.add(watched)
