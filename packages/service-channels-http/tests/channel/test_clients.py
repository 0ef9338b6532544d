"""Who makes httpx clients, when, and what becomes of them."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import threading
import warnings
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from scripted_server import WAIT, ScriptedServer, serving
from shop_interface import CHANNELS, Order, Shop, bound, dispatch, shop_over

from service_channels_http import DispatchJSONChannel, HTTPXChannel
from service_core import LocalServiceException


class CountingChannel(DispatchJSONChannel):
    """Counts the clients that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.connect_timeout = WAIT  # even on a busy machine
        self.made: list[httpx.Client | httpx.AsyncClient] = []

    def make_client(self) -> httpx.Client:
        client = super().make_client()
        self.made.append(client)
        return client

    def make_async_client(self) -> httpx.AsyncClient:
        client = super().make_async_client()
        self.made.append(client)
        return client


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving(dispatch) as server:
        yield server


@pytest.fixture
def channel(server: ScriptedServer) -> Iterator[CountingChannel]:
    channel = CountingChannel()
    bound(channel, server.url)
    yield channel
    channel.close()


def test_no_client_is_made_before_the_first_call(channel: CountingChannel) -> None:
    assert channel.made == []


def test_threads_share_one_client(channel: CountingChannel) -> None:
    shop = shop_over(channel)
    together = threading.Barrier(16)

    def call(number: int) -> int:
        together.wait(WAIT)
        return shop.find(number).number

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(call, range(1, 17))) == list(range(1, 17))
    assert len(channel.made) == 1


def test_tasks_of_a_loop_share_one_client(channel: CountingChannel) -> None:
    shop = shop_over(channel)

    async def main() -> list[int]:
        found = await asyncio.gather(*(shop.find_async(number) for number in range(1, 51)))
        return [order.number for order in found]

    assert asyncio.run(main()) == list(range(1, 51))
    assert len(channel.made) == 1


def test_event_loops_in_turn_have_a_client_each_which_ends_with_the_loop(
    server: ScriptedServer, channel: CountingChannel
) -> None:
    shop = shop_over(channel)
    for _ in range(2):
        assert asyncio.run(_find(shop)) == 1
        server.wait_for_connections(0)
    assert len(channel.made) == 2
    assert all(client.is_closed for client in channel.made)


def test_event_loops_at_once_have_a_client_each(channel: CountingChannel) -> None:
    shop = shop_over(channel)
    together = threading.Barrier(4)

    async def main() -> int:
        await asyncio.to_thread(together.wait, WAIT)
        return await _find(shop)

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: asyncio.run(main()), range(4))) == [1, 1, 1, 1]
    assert len(channel.made) == 4


def test_a_loop_that_was_closed_by_hand_is_forgotten(channel: CountingChannel) -> None:
    shop = shop_over(channel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's, for a loop that was closed with open sockets
        loop = asyncio.new_event_loop()
        loop.run_until_complete(_find(shop))
        loop.close()
        assert asyncio.run(_find(shop)) == 1
        first = weakref.ref(channel.made[0])
        channel.made.clear()
        gc.collect()
    assert first() is None


def test_a_forked_child_makes_its_own_client(server: ScriptedServer, channel: CountingChannel) -> None:
    shop = shop_over(channel)
    shop.find(1)
    server.wait_for_connections(1)
    context = multiprocessing.get_context("fork")
    result = context.SimpleQueue()

    def child() -> None:
        result.put((shop.find(2).number, asyncio.run(_find(shop)), len(channel.made)))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with the server's threads
        process = context.Process(target=child)
        process.start()
    assert result.get() == (2, 1, 3)
    process.join(WAIT)
    assert shop.find(3).number == 3
    assert len(server.requests) == 4
    assert len(channel.made) == 1


@pytest.mark.parametrize("channel_class", CHANNELS)
def test_close_leaves_no_connection(server: ScriptedServer, channel_class: type[HTTPXChannel]) -> None:
    channel = bound(channel_class(), server.url)
    shop_over(channel).find(1)
    server.wait_for_connections(1)
    channel.close()
    channel.close()
    server.wait_for_connections(0)


async def test_aclose_leaves_no_connection_of_either_kind(server: ScriptedServer, channel: CountingChannel) -> None:
    shop = shop_over(channel)
    await _find(shop)
    await asyncio.to_thread(shop.find, 1)
    server.wait_for_connections(2)
    await channel.aclose()
    await channel.aclose()
    await asyncio.to_thread(server.wait_for_connections, 0)


def test_close_leaves_the_connections_of_a_loop_to_its_end(server: ScriptedServer, channel: CountingChannel) -> None:
    shop = shop_over(channel)

    async def main() -> None:
        await _find(shop)
        channel.close()

    asyncio.run(main())
    server.wait_for_connections(0)


@pytest.mark.parametrize("transport", [DispatchJSONChannel, CountingChannel])  # the engine, and httpx
async def test_a_closed_channel_refuses_calls(server: ScriptedServer, transport: type[HTTPXChannel]) -> None:
    channel = bound(transport(), server.url)
    shop = shop_over(channel)
    channel.close()
    with pytest.raises(LocalServiceException, match="the channel is closed; get a new"):
        shop.find(1)
    with pytest.raises(LocalServiceException, match="the channel is closed"):
        await shop.find_async(1)
    assert server.requests == []


@pytest.mark.parametrize("transport", [DispatchJSONChannel, CountingChannel])
async def test_a_channel_that_was_closed_after_a_call_refuses_the_next(
    server: ScriptedServer, transport: type[HTTPXChannel]
) -> None:
    channel = bound(transport(), server.url)
    shop = shop_over(channel)
    await _find(shop)
    channel.close()
    with pytest.raises(LocalServiceException, match="the channel is closed"):
        await _find(shop)
    assert len(server.requests) == 1


async def test_a_client_that_was_closed_during_a_call_is_named_as_such(channel: CountingChannel) -> None:
    shop = shop_over(channel)
    channel.get_client().close()
    with pytest.raises(LocalServiceException, match=r"Shop\.find of .*: the channel was closed before the call"):
        shop.find(1)
    await channel.get_async_client().aclose()
    with pytest.raises(LocalServiceException, match="the channel was closed before the call"):
        await shop.find_async(1)


def test_connections_are_given_up_before_the_server_does(channel: CountingChannel) -> None:
    assert channel.limits.keepalive_expiry == 4.0  # uvicorn: 5 s


def test_a_connection_is_used_again(server: ScriptedServer, channel: CountingChannel) -> None:
    shop = shop_over(channel)
    for number in range(1, 4):
        shop.place(Order(number))
    assert len({request.connection for request in server.requests}) == 1


async def _find(shop: Shop) -> int:
    return (await shop.find_async(1)).number
