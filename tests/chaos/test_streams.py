"""Streams end as they should whatever happens to either end, and cost no more memory the longer they are."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from service_channels_http import connect
from service_core import DeadlineExceeded, Policy, ServiceCommunicationException
from tests.chaos.feed import Feed, Spoiled
from tests.support.figures import Figures
from tests.support.memory import MB, resident_memory
from tests.support.proxy import FaultProxy
from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]


class FeedProcess:
    """A server of the feed."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.chaos.feed"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self._process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self._process.stdout.readline())}"
        self.pid = self._process.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait for the end."""
        self._process.send_signal(number)
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module")
def feed_server() -> Iterator[FeedProcess]:
    server = FeedProcess()
    yield server
    server.end()


@pytest.fixture(params=["dispatch-json", "dispatch-msgpack"])
def feed(feed_server: FeedProcess, request: pytest.FixtureRequest) -> Iterator[Feed]:
    with connect(Feed, feed_server.url, channel=request.param) as feed:
        yield feed


async def none_runs(feed: Feed) -> float:
    """Wait until no generator of the server runs; the seconds that it took."""
    start = time.monotonic()
    while await feed.running():
        assert time.monotonic() < start + PATIENCE
        await asyncio.sleep(0.001)
    return time.monotonic() - start


def batched(streams: list[Any], size: int) -> list[list[Any]]:
    return [streams[start : start + size] for start in range(0, len(streams), size)]


async def drained(items: AsyncIterator[Any]) -> int:
    count = 0
    async for _ in items:
        count += 1
    return count


def test_a_killed_server_ends_its_streams_with_an_error(figures: Figures) -> None:
    server = FeedProcess()

    async def kill(feed: Feed) -> None:
        async for _ in feed.numbers(1, "wait"):
            os.kill(server.pid, signal.SIGKILL)

    with connect(Feed, server.url) as feed:
        start = time.monotonic()
        with pytest.raises(ServiceCommunicationException) as raised:
            asyncio.run(kill(feed))
    assert raised.value.may_have_run
    figures.add(
        "stream, server killed: error, with connecting and one item, after", 1000 * (time.monotonic() - start), "ms"
    )
    server.end(signal.SIGKILL)


def test_a_client_that_leaves_frees_the_server(feed: Feed, figures: Figures) -> None:
    async def leave() -> float:
        async with aclosing(cast(Any, feed.numbers(1, "wait"))) as items:
            await anext(items)
        return await none_runs(feed)

    figures.add("stream, client leaves: generator ended after", 1000 * asyncio.run(leave()), "ms")


def test_a_deadline_frees_the_server(feed_server: FeedProcess, figures: Figures) -> None:
    async def wait(feed: Feed) -> float:
        with pytest.raises(DeadlineExceeded):
            await drained(feed.numbers(1, "wait"))
        return await none_runs(feed)

    with connect(Feed, feed_server.url, policy=Policy(idle_timeout=0.3)) as feed:
        figures.add("stream, idle_timeout: generator ended after", 1000 * asyncio.run(wait(feed)), "ms")


def test_an_error_in_the_middle_comes_after_the_items_before_it(feed: Feed) -> None:
    async def read() -> int:
        count = 0
        try:
            async for _ in feed.numbers(10_000, "fail"):
                count += 1
        except Spoiled:
            return count
        raise AssertionError("the stream ended without its error")

    assert asyncio.run(read()) == 10_000


def test_a_slow_reader_costs_no_memory(feed: Feed, feed_server: FeedProcess, figures: Figures) -> None:
    async def read_slowly() -> int:
        async with aclosing(cast(Any, feed.blocks(10_000, 100_000))) as blocks:  # 1 GB
            await anext(blocks)
            before = resident_memory(feed_server.pid) + resident_memory(os.getpid())
            grown = 0
            for _ in range(20):
                await asyncio.sleep(0.05)
                await anext(blocks)
                now = resident_memory(feed_server.pid) + resident_memory(os.getpid())
                grown = max(grown, now - before)
        await none_runs(feed)
        return grown

    grown = asyncio.run(read_slowly()) / MB
    assert grown < 100  # of 1000
    figures.add("stream of 1 GB, slow reader: memory of both ends grew by", grown, "MB")


def test_memory_is_flat_over_many_items(feed: Feed, feed_server: FeedProcess, figures: Figures, is_long: bool) -> None:
    count = 10_000_000 if is_long else 300_000

    async def measure() -> tuple[float, float]:
        await drained(feed.numbers(100_000))
        before = resident_memory(feed_server.pid) + resident_memory(os.getpid())
        start = time.monotonic()
        assert await drained(feed.numbers(count)) == count
        seconds = time.monotonic() - start
        return (resident_memory(feed_server.pid) + resident_memory(os.getpid()) - before) / MB, count / seconds

    grown, rate = asyncio.run(measure())
    assert grown < 50
    figures.add(f"stream of {count:,} numbers: memory of both ends grew by", grown, "MB")
    figures.add(f"stream of {count:,} numbers", rate, "items/s")


def test_an_upload_of_many_items_is_whole(feed: Feed, figures: Figures, is_long: bool) -> None:
    count = 1_000_000 if is_long else 100_000

    async def numbers() -> AsyncIterator[int]:
        for number in range(count):
            yield number

    start = time.monotonic()
    assert asyncio.run(feed.total(numbers())) == sum(range(count))
    figures.add(f"upload of {count:,} numbers", count / (time.monotonic() - start), "items/s")


def test_many_streams_at_once_end_together(feed_server: FeedProcess, figures: Figures, is_long: bool) -> None:
    count = 1000 if is_long else 100

    async def open_all(feed: Feed) -> float:
        streams = [cast(Any, feed.numbers(1, "wait")) for _ in range(count)]
        for wave in batched(streams, 50):
            assert set(await asyncio.gather(*map(anext, wave))) == {0}
        assert await feed.running() == count
        await asyncio.gather(*(stream.aclose() for stream in streams))
        return await none_runs(feed)

    before = resident_memory(feed_server.pid)
    with connect(Feed, feed_server.url, policy=Policy(timeout=60.0)) as feed:
        seconds = asyncio.run(open_all(feed))
    figures.add(f"{count} streams at once: all generators ended after", 1000 * seconds, "ms")
    grown = (resident_memory(feed_server.pid) - before) / MB
    figures.add(f"{count} streams at once: memory of the server grew by", grown, "MB")


def test_no_descriptor_and_no_thread_is_left_behind_whatever_ends_a_stream(feed_server: FeedProcess) -> None:
    async def broken() -> AsyncIterator[int]:
        yield 1
        raise LookupError

    async def abuse(feed: Feed, cut: Feed) -> None:
        await drained(feed.numbers(10))
        async with aclosing(cast(Any, feed.numbers(1, "wait"))) as items:
            await anext(items)
        async with aclosing(cast(Any, feed.blocks(1000, 100_000))) as blocks:
            await anext(blocks)
        with pytest.raises(Spoiled):
            await drained(feed.numbers(10, "fail"))
        with pytest.raises(DeadlineExceeded):
            await drained(feed.numbers(1, "wait"))
        with pytest.raises(ServiceCommunicationException):
            await drained(cut.numbers(10_000))
        with pytest.raises(LookupError):
            await feed.total(broken())
        await none_runs(feed)

    def left() -> list[int]:
        processes = [Path(f"/proc/{pid}") for pid in (os.getpid(), feed_server.pid)]
        return [len([*(process / kind).iterdir()]) for process in processes for kind in ("fd", "task")]

    policy = Policy(idle_timeout=0.2)
    with FaultProxy(int(feed_server.url.rpartition(":")[2])) as proxy:
        proxy.break_after(answers=2000)
        with connect(Feed, feed_server.url, policy=policy) as feed, connect(Feed, proxy.url) as cut:
            asyncio.run(abuse(feed, cut))
            before = left()
            for _ in range(10):
                asyncio.run(abuse(feed, cut))
            eventually(lambda: all(now <= then + 2 for now, then in zip(left(), before, strict=True)))
