"""Finds out whether a server that somebody else runs answers yet."""

from __future__ import annotations

import asyncio
from typing import Final

from service_core.server import WILDCARDS

__all__ = ["wait_until_answering"]

_INTERVAL: Final = 0.05


async def wait_until_answering(host: str, port: int, path: str, *, timeout: float) -> bool:  # noqa: ASYNC109
    """Ask for ``path`` until there is any HTTP answer; False after ``timeout`` seconds."""
    target = "127.0.0.1" if host in WILDCARDS else host
    try:
        async with asyncio.timeout(timeout):
            while not await _answers(target, port, path):  # noqa: ASYNC110 - another server's start is no event here
                await asyncio.sleep(_INTERVAL)
    except TimeoutError:
        return False
    return True


async def _answers(host: str, port: int, path: str) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        return (await reader.readline()).startswith(b"HTTP/")
    except OSError:
        return False
    finally:
        writer.close()
