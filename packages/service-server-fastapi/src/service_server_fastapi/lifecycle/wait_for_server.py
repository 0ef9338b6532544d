"""Waits until a server that this process does not run answers."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from service_core.hosting.server import WILDCARDS

__all__ = ["wait_until_answering"]

_INTERVAL: Final = 0.05


async def wait_until_answering(
    host: str,
    port: int,
    path: str | None,
    *,
    timeout: float | None,  # noqa: ASYNC109
    interval: float = _INTERVAL,
    uses_tls: bool = False,
) -> bool:
    """Request ``path`` each ``interval`` seconds until there is any HTTP answer; False after ``timeout`` seconds.

    Without a path a connection is enough.
    """
    target = "127.0.0.1" if host in WILDCARDS else host
    tls = _trusting() if uses_tls else None
    try:
        async with asyncio.timeout(timeout):
            while not await _answers(target, port, path, tls):  # noqa: ASYNC110 - there is no event for another server's start
                await asyncio.sleep(interval)
    except TimeoutError:
        return False
    return True


async def _answers(host: str, port: int, path: str | None, tls: ssl.SSLContext | None) -> bool:
    try:
        reader, writer = await asyncio.open_connection(host, port, ssl=tls)
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


def _trusting() -> ssl.SSLContext:
    """TLS without verification: the server is this process, and no secret is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
