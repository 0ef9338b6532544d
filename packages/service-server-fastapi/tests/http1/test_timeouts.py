"""Limits of a connection that come and go."""

from __future__ import annotations

import asyncio

import pytest

from service_server_fastapi.http1.timeouts import Timeout

LONG = 60.0
SHORT = 0.02


class Lost:
    """Counts how often timeout was lost."""

    def __init__(self) -> None:
        self.times = 0
        self.event = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self.event.set()

    async def wait(self) -> None:
        async with asyncio.timeout(LONG):
            await self.event.wait()
        self.event.clear()


@pytest.fixture
async def lost() -> Lost:
    return Lost()


@pytest.fixture
async def limit(lost: Lost) -> Timeout:
    return Timeout(asyncio.get_running_loop(), lost)


async def shortly() -> None:
    """Wait until a limit that was set just now would have passed."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * SHORT, passed.set)
    await passed.wait()


async def test_a_limit_that_passes_is_reported_once(limit: Timeout, lost: Lost) -> None:
    limit.set(SHORT)
    assert limit.is_set
    await lost.wait()
    assert not limit.is_set
    await shortly()
    assert lost.times == 1


async def test_no_connection_loses_it_while_idle(limit: Timeout, lost: Lost) -> None:
    limit.set(SHORT)
    limit.clear()
    await shortly()
    assert lost.times == 0


async def test_a_limit_after_a_rest_counts_in_full(limit: Timeout, lost: Lost) -> None:
    limit.set(SHORT)
    limit.clear()
    begin = asyncio.get_running_loop().time()
    limit.set(3 * SHORT)
    await lost.wait()
    assert asyncio.get_running_loop().time() - begin >= 3 * SHORT
    assert lost.times == 1


async def test_a_shorter_limit_takes_the_place_of_a_longer_one(limit: Timeout, lost: Lost) -> None:
    limit.set(LONG)
    limit.set(SHORT)
    await lost.wait()


async def test_a_later_limit_is_reported_too(limit: Timeout, lost: Lost) -> None:
    for _ in range(2):
        limit.set(SHORT)
        await lost.wait()
    assert lost.times == 2


async def test_nothing_happens_after_the_end(limit: Timeout, lost: Lost) -> None:
    limit.close()
    limit.set(SHORT)
    limit.close()
    await shortly()
    assert lost.times == 0
