"""Work that is done for a caller, as long as there is one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, Self, TypeVar, cast

from starlette.types import Receive

from service_core.dispatch import Continuation
from service_core.process import start_timer
from service_server_fastapi.requests.admission import Disconnected

T = TypeVar("T")

_WATCHED_AFTER: Final = 0.1
"""Seconds before the first check whether the caller is connected; most calls take less."""


async def while_connected(work: Coroutine[Any, Any, T], receive: Receive) -> T:
    """Do the work for a request whose body has been read; cancel it if the caller disconnects.

    Raises Disconnected then. What runs in a worker thread cannot be cancelled: it runs to its end.
    """
    try:
        waits_for = work.send(None)
    except StopIteration as returned:
        value: T = returned.value
        return value
    with DisconnectWatch(receive):
        return await Continuation(work, waits_for)


class DisconnectWatch:
    """Cancels the current task if the caller disconnects inside the block, which raises Disconnected then."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._listening: asyncio.Task[None] | None = None
        self._timer = start_timer(_WATCHED_AFTER, self._begin)
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.end()
        if self._is_over and self._task.uncancel() == 0 and kind is asyncio.CancelledError:
            raise Disconnected from None

    def end(self) -> None:
        """Stop watching, since the answer has begun and later messages must not cancel it."""
        self._timer.cancel()
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None

    def _begin(self) -> None:
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self._task.cancelling():  # what ends already is not interrupted
            self._is_over = True
            self._task.cancel()
