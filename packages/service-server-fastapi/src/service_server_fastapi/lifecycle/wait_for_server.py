"""Waits until a server that this process does not run answers."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, TypeAlias

from service_core.hosting import WILDCARDS
from service_core.tls import unverified

_INTERVAL: Final = 0.05
_Streams: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def wait_until_answering(
    host: str,
    port: int,
    path: str | None,
    *,
    timeout: float | None,  # noqa: ASYNC109
    interval: float = _INTERVAL,
    uses_tls: bool = False,
    uds: Path | None = None,
) -> bool:
    """Request ``path`` each ``interval`` seconds until there is any HTTP answer; False after ``timeout`` seconds.

    Without a path a connection is enough. ``uds`` is the path of a Unix domain socket, which takes the place of host
    and port.
    """
    if uds is not None:
        opened: Callable[[], Awaitable[_Streams]] = functools.partial(asyncio.open_unix_connection, uds)
    else:
        target = "127.0.0.1" if host in WILDCARDS else host
        opened = functools.partial(asyncio.open_connection, target, port, ssl=unverified() if uses_tls else None)
    try:
        async with asyncio.timeout(timeout):
            while not await _answers(opened, path):  # noqa: ASYNC110 - there is no event for another server's start
                await asyncio.sleep(interval)
    except TimeoutError:
        return False
    return True


async def _answers(opened: Callable[[], Awaitable[_Streams]], path: str | None) -> bool:
    try:
        reader, writer = await opened()
    except OSError:
        return False
    try:
        if path is None:
            return True
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        return (await reader.readline()).startswith(b"HTTP/")
    except OSError:
        return False
    finally:
        writer.transport.abort()
