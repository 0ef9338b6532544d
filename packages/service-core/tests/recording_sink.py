"""A sink that keeps what is written, for tests of serving streams without a connection."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from service_core.context import CallContext, Deadline
from service_core.declaring.catalog import default_catalog
from service_core.dispatch.streams.item_limits import ItemLimits


class RecordingSink:
    """Keeps the parts of one stream; full as long as a test says so."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.is_full = False
        self.has_part = asyncio.Event()
        self.drains = 0
        self._room = asyncio.Event()

    def write(self, part: bytes) -> None:
        self.parts.append(part)
        self.has_part.set()

    async def drain(self) -> None:
        self.drains += 1
        await self._room.wait()

    def make_room(self) -> None:
        self.is_full = False
        self._room.set()


def limits_of(interface: Any, first: float = math.inf, idle: float = math.inf, total: float = math.inf) -> ItemLimits:
    """The limits of the method ``all`` of an interface."""
    (method,) = default_catalog.service(interface).methods.values()
    deadline = None if math.isinf(total) else Deadline.after(total)
    return ItemLimits(method, CallContext(item_timeouts=(first, idle), deadline=deadline))
