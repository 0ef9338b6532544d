"""Whether an instance that Consul does not report any more still answers."""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from service_registry_consul.connection.http_exchange import get

READINESS_PATH: Final = "/health/ready"
"""A server of this framework that stops answers 503 there; other servers answer anything."""
PROBE_TIMEOUT: Final = 2.0
"""Seconds after which an answer counts as late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What the addresses of instances answered. Those that are in neither set have stopped, or are stopping."""

    answering: frozenset[str]
    """A server answers there that is not stopping."""
    late: frozenset[str]
    """No answer within the time limit: the server may be busy or paused, or its machine may be gone."""


async def probe(urls: Iterable[str]) -> Probed:
    """Request the readiness of all addresses at once."""
    listed = list(urls)
    answers = dict(zip(listed, await asyncio.gather(*(_answers(url) for url in listed)), strict=True))
    return Probed(
        answering=frozenset(url for url, answered in answers.items() if answered),
        late=frozenset(url for url, answered in answers.items() if answered is None),
    )


async def _answers(url: str) -> bool | None:
    """Whether a server answers there that is not stopping; None if there is no answer in time."""
    parts = urlsplit(url)
    try:
        return (
            await get(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}{READINESS_PATH}", within=PROBE_TIMEOUT)
            != 503
        )
    except ssl.SSLError:
        return True  # a server that requires a client certificate is running
    except TimeoutError:
        return None
    except (OSError, EOFError, ValueError, http.client.HTTPException, asyncio.LimitOverrunError):
        return False
