"""Repeating a step for ever: at a limited rate while it succeeds, with backoff while it fails."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, NoReturn

from service_registry_consul.connection.backoff import TokenBucket, backoff
from service_registry_consul.connection.connectivity import Connectivity
from service_registry_consul.connection.errors import ConsulError

logger: Final = logging.getLogger("service.registry.consul")


async def keep_doing(
    step: Callable[[], Awaitable[None]],
    *,
    source: str,
    connectivity: Connectivity,
    on_failure: Callable[[], None],
    pause: float,
) -> NoReturn:
    """Run ``step`` repeatedly until cancelled; no exception ends it.

    While it succeeds, it is run twice at once and then every ``pause`` seconds at most.
    """
    bucket = TokenBucket(refill=pause)
    failures = 0
    while True:
        try:
            await step()
        except ConsulError as error:
            connectivity.failed(source, str(error))
        except Exception as error:
            # A bug of this package, or of a listener; the next change must be seen in either case.
            logger.exception("watching %s failed", source)
            connectivity.failed(source, f"watching {source} failed: {error!r}")
        else:
            connectivity.answered(source)
            failures = 0
            await asyncio.sleep(bucket.take(asyncio.get_running_loop().time()))
            continue
        on_failure()
        failures += 1
        await asyncio.sleep(backoff(failures))
