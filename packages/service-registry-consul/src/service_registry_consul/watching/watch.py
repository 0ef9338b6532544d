"""The thread that watches Consul, for any number of components."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from service_core.registry.base import Snapshot
from service_registry_consul.connectivity import Contact
from service_registry_consul.settings import ConsulSettings
from service_registry_consul.watching.address_filter import TrustPolicy
from service_registry_consul.watching.query import BlockingQuery
from service_registry_consul.watching.shared_watch import SharedWatch, health_path
from service_registry_consul.watching.watched_component import Followed

__all__ = ["Watcher"]

logger: Final = logging.getLogger("service.registry.consul")


class Watcher:
    """Watches components from an event loop in a thread of its own, which starts with the first of them.

    The public methods may be called by any thread.
    """

    def __init__(self, settings: ConsulSettings, contact: Contact, publish: Callable[[str, Snapshot], None]) -> None:
        """``publish`` is called in the watching thread."""
        self._settings = settings
        self._contact = contact
        self._publish = publish
        self._policy = TrustPolicy.of(settings)
        self._lock = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._followed: list[Followed] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._shared: SharedWatch | None = None

    def follow(self, component: str) -> None:
        """Begin to watch a component. Does not wait."""
        with self._lock:
            if self._closed:
                return
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._run, args=(self._loop,), name="consul-watch", daemon=True)
                self._thread.start()
            self._loop.call_soon_threadsafe(self._watch, component)

    @property
    def followed(self) -> list[Followed]:
        """All watched components; only to be read."""
        return list(self._followed)

    def close(self) -> None:
        """End all watches and the thread; safe to call twice."""
        with self._lock:
            already, self._closed = self._closed, True
        if already or self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is threading.current_thread():
            return  # called by a listener; the thread ends when that returns
        self._thread.join(self._settings.close_timeout)
        if self._thread.is_alive():
            logger.warning(
                "the watch of Consul did not end within %g s; a listener or name resolution hangs",
                self._settings.close_timeout,
            )

    # in the watching thread

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        # Only for name resolution; the default would grow to more threads than there are names to resolve.
        loop.set_default_executor(ThreadPoolExecutor(1, thread_name_prefix="consul-resolve"))
        try:
            loop.run_until_complete(self._main())
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    async def _main(self) -> None:
        await self._stop.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _watch(self, component: str) -> None:
        followed = Followed(
            component,
            policy=self._policy,
            grace=2 * self._settings.reconcile_interval,
            publish=self._publish,
        )
        self._followed.append(followed)
        if len(self._followed) > self._settings.max_queries:
            self._share(followed)
            return
        query = BlockingQuery(
            health_path(component),
            dict,
            settings=self._settings,
            contact=self._contact,
            on_answer=followed.answered,
            on_doubt=followed.doubt,
        )
        self._begin(query.run)

    def _share(self, followed: Followed) -> None:
        if self._shared is None:
            self._shared = SharedWatch(self._settings, self._contact)
            for run in self._shared.runs():
                self._begin(run)
        self._shared.add(followed)

    def _begin(self, run: Callable[[], Any]) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(run()))
