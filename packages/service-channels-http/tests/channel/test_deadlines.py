"""Whatever a server does, a call ends when its time is up."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from scripted_server import Received, Script, full_backlog, serving
from shop_interface import CALLS, CHANNELS, Call, Order, Shop, bound, call_sync, dispatch, shop_over

from service_channels_http import HTTPXChannel
from service_channels_http.transport.messages import HTTPRequest
from service_core import Deadline, DeadlineExceeded, Policy, ServiceCommunicationException, deadline

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def drip(request: Received) -> None:
    """Send an answer that never ends, a byte now and then, until the client leaves."""
    pause = threading.Event()
    request.send(HEAD + b"Content-Length: 1000000\r\n\r\n")
    while not pause.wait(0.02):
        request.send(b" ")


def stall(request: Received) -> None:
    """Send half an answer and then nothing more."""
    request.send(HEAD + b"Content-Length: 100\r\n\r\n{")
    request.wait_until_left()


SCRIPTS = pytest.mark.parametrize(
    "script", [Received.wait_until_left, drip, stall], ids=["black hole", "drip", "stall"]
)
channels = pytest.mark.parametrize("channel", CHANNELS)
calls = pytest.mark.parametrize("call", CALLS)


@SCRIPTS
@channels
@calls
def test_a_call_ends_at_its_deadline_and_leaves_no_connection(
    script: Script, channel: type[HTTPXChannel], call: Call
) -> None:
    with serving(script) as server:
        bound_channel = bound(channel(), server.url)
        seconds, made = 0.3, 0
        while True:
            with deadline(seconds), pytest.raises(DeadlineExceeded) as caught:
                call(shop_over(bound_channel), "place", Order(1))
            seconds, made = seconds * 3, made + 1
            if server.requests:  # a busy machine may take all the time before the call is sent
                break
        assert "no answer before the deadline of the call" in str(caught.value)
        server.wait_for_connections(0)
        bound_channel.close()
    assert len(server.requests) <= made


@calls
def test_an_idempotent_call_is_not_retried_after_its_deadline(call: Call) -> None:
    with serving(Received.wait_until_left) as server, serving(dispatch) as other:
        channel = bound(CHANNELS[0](), server.url, other.url)
        channel.policy = Policy(timeout=0.3)
        with pytest.raises(DeadlineExceeded):
            call(shop_over(channel), "find", 1)
        channel.close()
    assert other.requests == []


@calls
def test_a_call_whose_time_is_up_is_not_sent(call: Call) -> None:
    with serving(dispatch) as server:
        channel = bound(CHANNELS[0](), server.url)
        with deadline(0.0), pytest.raises(DeadlineExceeded, match="before the call was sent"):
            call(shop_over(channel), "find", 1)
        channel.close()
    assert server.requests == []


@calls
def test_an_outer_deadline_is_sent_on(call: Call) -> None:
    with serving(dispatch) as server:
        channel = bound(CHANNELS[0](), server.url)
        with deadline(2.0):
            call(shop_over(channel), "find", 1)
        channel.close()
    assert 0 < int(server.requests[0].headers["x-deadline-ms"]) <= 2000


@calls
def test_no_limit_is_possible_on_request(call: Call) -> None:
    with serving(dispatch) as server:
        channel = bound(CHANNELS[0](), server.url)
        with deadline(None):
            assert call(shop_over(channel), "find", 1).number == 1
        channel.close()
    assert "x-deadline-ms" not in server.requests[0].headers


@calls
def test_connecting_leaves_time_for_another_instance(call: Call) -> None:
    with serving(dispatch) as server, full_backlog() as url:
        channel = bound(CHANNELS[0](), url, server.url)
        channel.connect_timeout = 0.2
        assert call(shop_over(channel), "place", Order(1)) == [Order(1)]
        channel.close()


@calls
def test_a_connection_that_cannot_be_made_in_time_is_a_failure_that_did_not_run(call: Call) -> None:
    with full_backlog() as url:
        channel = bound(CHANNELS[0](), url)
        channel.connect_timeout = 0.2
        channel.policy = Policy.none()
        with pytest.raises(ServiceCommunicationException, match="no connection in time") as caught:
            call(shop_over(channel), "place", Order(1))
        channel.close()
    assert not caught.value.may_have_run


@calls
def test_an_instance_does_not_answer_for_the_time_that_a_token_takes(call: Call) -> None:
    async def never() -> str:
        await asyncio.Event().wait()
        raise AssertionError

    def late() -> str:
        time.sleep(0.1)
        return "t-1"

    with serving(dispatch) as server, serving(dispatch) as other:
        channel = bound(CHANNELS[0](), server.url, other.url)
        channel.policy = Policy(timeout=0.05, eject_after=1)
        channel.token_provider = late if call is call_sync else never
        with pytest.raises(DeadlineExceeded, match="deadline exceeded before the call was sent"):
            call(shop_over(channel), "find", 1)
        assert [(seen["in_flight"], seen["latency"], seen["ejected"]) for seen in channel.balancer.view()] == [
            (0, 0.0, False)
        ] * 2
        channel.close()
    assert server.requests == other.requests == []


@calls
def test_a_request_that_is_sent_directly_has_a_token_too(call: Call) -> None:
    with serving(lambda received: received.answer(200, b"{}")) as server:
        channel = bound(CHANNELS[0](), server.url)
        tokens = iter(["t-1", "t-2"])
        channel.token_provider = lambda: next(tokens)
        request = HTTPRequest(f"{server.url}/invoke", {}, Deadline.after(10.0), "a call", b"{}", method="GET")
        if call is call_sync:
            channel.send(request)
        else:
            asyncio.run(channel.send_async(request))
        channel.close()
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer t-1"]
    assert next(tokens) == "t-2"


def test_an_answer_that_arrived_while_the_loop_was_blocked_is_taken_after_the_deadline() -> None:
    received, blocked, written = threading.Event(), threading.Event(), threading.Event()

    def script(request: Received) -> None:
        received.set()
        blocked.wait(10)
        dispatch(request)
        written.set()

    async def block_during_a_call(shop: Shop) -> None:
        with deadline(2.0) as limit:
            call = asyncio.create_task(shop.find_async(1))
        assert await asyncio.to_thread(received.wait, 10)
        blocked.set()
        assert written.wait(10)
        time.sleep(limit.remaining + 0.3)  # noqa: ASYNC251 - as a process that is suspended
        assert (await call).number == 1

    with serving(script) as server:
        channel = bound(CHANNELS[0](), server.url)
        asyncio.run(block_during_a_call(shop_over(channel)))
        channel.close()
