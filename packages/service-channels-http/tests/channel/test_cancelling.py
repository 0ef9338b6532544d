"""Cancelled calls leave nothing behind."""

from __future__ import annotations

import asyncio
import random
import threading

import pytest
from scripted_server import Received, serving
from shop_interface import CHANNELS, Order, bound, dispatch, shop_over

from service_channels_http import HTTPXChannel


@pytest.mark.slow
@pytest.mark.parametrize("channel_class", CHANNELS)
async def test_after_a_thousand_cancelled_calls_the_channel_serves_and_no_connection_is_left(
    channel_class: type[HTTPXChannel],
) -> None:
    answering = threading.Event()

    def script(request: Received) -> None:
        if answering.is_set():
            dispatch(request)
        else:
            request.wait_until_left()

    steps = random.Random(1)
    with serving(script) as server:
        channel = bound(channel_class(), server.url)
        shop = shop_over(channel)
        for _ in range(19):
            tasks = [asyncio.create_task(shop.find_async(1)) for _ in range(50)]
            for task in tasks:
                for _ in range(steps.randrange(5)):  # so that calls are hit at all stages
                    await asyncio.sleep(0)
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        arrived = len(server.requests)
        tasks = [asyncio.create_task(shop.find_async(1)) for _ in range(50)]
        await asyncio.to_thread(server.wait_for_requests, arrived + 50)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}

        answering.set()
        found: list[Order] = []
        for first in range(1, 51, 10):  # not all at once: the threads of the server are still busy with those that left
            found += await asyncio.gather(*(shop.find_async(number) for number in range(first, first + 10)))
        assert [order.number for order in found] == list(range(1, 51))
        assert [endpoint.in_flight for endpoint in channel.balancer.endpoints] == [0]
        await channel.aclose()
        await asyncio.to_thread(server.wait_for_connections, 0)
