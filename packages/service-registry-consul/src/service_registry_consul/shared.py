"""The watch for components beyond the first ones: two queries, however many components there are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final, NoReturn
from urllib.parse import quote

from service_registry_consul.connection import Connection
from service_registry_consul.contact import Contact
from service_registry_consul.errors import nonsense
from service_registry_consul.followed import Followed
from service_registry_consul.query import BlockingQuery, read_options
from service_registry_consul.retry import keep_doing
from service_registry_consul.settings import ConsulSettings

__all__ = ["SharedWatch", "health_path"]

_SERVICES: Final = "/v1/catalog/services"
"""Its index moves with every registration that comes, changes or goes, but not with health."""
_CHECKS: Final = "/v1/health/state/any"
"""Its index moves with every check. Only that is of interest, so a filter leaves the answer empty."""
_NOTHING: Final = 'CheckID == ""'


def health_path(component: str) -> str:
    """Where Consul tells about the instances of a component."""
    return f"/v1/health/service/{quote(component, safe='')}"


class SharedWatch:
    """Learns that anything at all has changed in Consul, and then looks at its components one by one."""

    def __init__(self, settings: ConsulSettings, contact: Contact) -> None:
        self._settings = settings
        self._contact = contact
        self._members: list[Followed] = []
        self._changed = asyncio.Event()

    def add(self, followed: Followed) -> None:
        """Watch one more component."""
        self._members.append(followed)
        self._changed.set()

    def runs(self) -> Iterator[Callable[[], Any]]:
        """The coroutine functions to run for as long as the watch lasts."""
        for path, query in ((_SERVICES, {}), (_CHECKS, {"filter": _NOTHING})):
            yield BlockingQuery(
                path,
                query,
                settings=self._settings,
                contact=self._contact,
                on_answer=lambda _: self._changed.set(),
                on_doubt=self._doubt,
            ).run
        yield self._look_when_changed

    async def _look_when_changed(self) -> NoReturn:
        await keep_doing(self._look, source="components together", contact=self._contact, on_failure=self._look_again)

    async def _look(self) -> None:
        await self._changed.wait()
        self._changed.clear()
        connection = Connection(self._settings)
        try:
            for followed in list(self._members):
                answer = await connection.get(
                    health_path(followed.name), read_options(self._settings), self._settings.request_timeout
                )
                try:
                    followed.answered(answer.body)
                except ValueError as error:
                    raise nonsense(self._settings.address, str(error)) from error
        finally:
            connection.close()

    def _doubt(self) -> None:
        for followed in self._members:
            followed.doubt()

    def _look_again(self) -> None:
        self._doubt()
        self._changed.set()
