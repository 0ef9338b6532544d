"""The server's end of a stream in memory: the call runs in a task, and its parts wait to be read."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Set
from typing import Any

from service_core.dispatch import StreamBody


class RunningBody:
    """Runs a body and keeps its parts until they are read. Used on one event loop."""

    def __init__(self, body: StreamBody, context: contextvars.Context) -> None:
        """The call runs in ``context``."""
        self._parts: deque[bytes] = deque()
        self._has_space = asyncio.Event()
        self._has_parts = asyncio.Event()
        self._call = asyncio.get_running_loop().create_task(body.run(self), context=context)
        self._is_last_taken = False

    # what the call writes to

    @property
    def is_full(self) -> bool:
        """Whether the reader is slower than the call: a part waits for it."""
        return bool(self._parts)

    def write(self, part: bytes) -> None:
        """Keep a part."""
        self._parts.append(part)
        self._has_parts.set()

    async def drain(self) -> None:
        """Wait until there is room for more."""
        while self.is_full:
            self._has_space.clear()
            await self._has_space.wait()

    # what the client reads

    async def next_part(self, others: Set[asyncio.Future[Any]], seconds: float | None) -> bytes | None:
        """The next part, empty at the end; None if one of ``others`` is done first, or nothing comes in time.

        Raises what the call raises.
        """
        if not self._parts:
            await self._wait(others, seconds)
        if self._parts:
            self._has_space.set()
            return self._parts.popleft()
        if not self._call.done():
            return None
        self._is_last_taken, was_taken = True, self._is_last_taken
        return b"" if was_taken else self._call.result()

    async def _wait(self, others: Set[asyncio.Future[Any]], seconds: float | None) -> None:
        self._has_parts.clear()
        came = asyncio.ensure_future(self._has_parts.wait())
        try:
            await asyncio.wait({came, self._call, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            came.cancel()

    async def aclose(self) -> None:
        """End the call, and wait until it has ended."""
        if not self._call.done():
            if not self._call.cancelling():  # what ends already is not interrupted
                self._call.cancel()
            await asyncio.wait([self._call])
        if not self._call.cancelled():
            self._call.exception()  # known: the reader has left
