"""A blocking query: it is answered on a change, or at the end of its wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from service_registry_consul.connection.backoff import REFILL, next_index, parse_index
from service_registry_consul.connection.connection import AgentConnection
from service_registry_consul.connection.connectivity import Connectivity
from service_registry_consul.connection.errors import malformed_answer
from service_registry_consul.settings import ConsulSettings
from service_registry_consul.watching.retry import keep_doing

MARGIN: Final = 5.0
"""Seconds beyond the longest wait after which a silent connection counts as dead."""


def read_options(settings: ConsulSettings) -> dict[str, str]:
    """The parameters of every query about the catalog."""
    return {"dc": settings.datacenter} if settings.datacenter else {}


class BlockingQuery:
    """Repeats one query until cancelled, over a connection of its own."""

    def __init__(
        self,
        path: str,
        query: Callable[[], Mapping[str, str]],
        *,
        settings: ConsulSettings,
        connectivity: Connectivity,
        on_answer: Callable[[Any], None],
        on_doubt: Callable[[], None],
        pause: float = REFILL,
    ) -> None:
        """``query`` returns the parameters of each request, besides those that make it a blocking one.

        ``on_answer`` gets every decoded body, and raises ValueError for one that Consul would not send.
        ``on_doubt`` is called when the known state may be outdated, or Consul may have lost its state: after a
        failure, and when its index went backwards. ``pause`` is the seconds between consecutive answers.
        """
        self._path = path
        self._query = query
        self._settings = settings
        self._connectivity = connectivity
        self._on_answer = on_answer
        self._on_doubt = on_doubt
        self._pause = pause
        self._connection = AgentConnection(settings)
        self._index = 0
        # Consul adds up to a sixteenth to the wait, at random.
        self._timeout = settings.wait * 17 / 16 + MARGIN

    @property
    def descriptor(self) -> int:
        """The file descriptor of the open connection, -1 if there is none."""
        return self._connection.descriptor

    async def run(self) -> NoReturn:
        """Query until cancelled."""
        try:
            await keep_doing(
                self._ask,
                source=self._path,
                connectivity=self._connectivity,
                on_failure=self._start_over,
                pause=self._pause,
            )
        finally:
            self._connection.close()

    async def _ask(self) -> None:
        blocking = {"index": str(self._index), "wait": f"{self._settings.wait:g}s"}
        query = {**read_options(self._settings), **self._query(), **blocking}
        answer = await self._connection.get(self._path, query, self._timeout)
        try:
            answered = parse_index(answer.index)
            if answered < self._index:
                self._on_doubt()
            self._on_answer(answer.body)
        except ValueError as error:
            raise malformed_answer(self._settings.address, str(error)) from error
        self._index = next_index(self._index, answered)

    def _start_over(self) -> None:
        # Another Consul with a lower index may answer now: a query with the old index would return nothing until
        # the new index has reached it.
        self._index = 0
        self._connection.close()
        self._on_doubt()
