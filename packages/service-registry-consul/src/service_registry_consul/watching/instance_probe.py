"""Whether an instance that Consul does not report any more still answers."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from service_registry_consul.connection.http_exchange import get

__all__ = ["still_answering"]

READINESS_PATH: Final = "/health/ready"
"""A server of this framework that stops answers 503 there; other servers answer anything."""
PROBE_TIMEOUT: Final = 2.0
"""Seconds within which an instance must answer."""


async def still_answering(urls: Iterable[str]) -> set[str]:
    """The addresses at which a server answers that is not stopping."""
    listed = list(urls)
    answers = await asyncio.gather(*(_answers(url) for url in listed))
    return {url for url, answered in zip(listed, answers, strict=True) if answered}


async def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return (
            await get(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{READINESS_PATH}", within=PROBE_TIMEOUT)
            != 503
        )
    except ssl.SSLError:
        return True  # a server that requires a client certificate is running
    except (OSError, EOFError, ValueError, http.client.HTTPException, asyncio.LimitOverrunError):
        return False
