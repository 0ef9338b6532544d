"""The engine through sockets: connections kept, lost, refused and left behind."""

from __future__ import annotations

import asyncio
import gc
import itertools
import multiprocessing
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import httptools
import httpx
import pytest
import trustme
from scripted_server import WAIT, Received, ScriptedServer, serving, unused_url
from shop_interface import HTTPXJSONChannel, Shop, bound, dispatch, shop_over

from service_channels_http import DispatchJSONChannel, HTTPReply, HTTPRequest, HTTPXChannel
from service_channels_http.transport.engine import Engine
from service_channels_http.transport.engine.origin import Origin
from service_channels_http.transport.engine.reader import ResponseParser, write_beginning
from service_channels_http.transport.interface import PoolLimits
from service_channels_http.transport.tls.context import ClientTLS
from service_core import Deadline, DeadlineExceeded, LocalServiceException, ServiceCommunicationException

Sending = Callable[[HTTPRequest], HTTPReply]
"""Sends a request over a channel, the next one on the same event loop."""


@contextmanager
def sending_sync(channel: HTTPXChannel) -> Iterator[Sending]:
    yield channel.send
    channel.close()


@contextmanager
def sending_async(channel: HTTPXChannel) -> Iterator[Sending]:
    with asyncio.Runner() as runner:
        yield lambda request: runner.run(channel.send_async(request))
        runner.run(channel.aclose())


both = pytest.mark.parametrize("sending", [sending_sync, sending_async])


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def request(url: str, content: bytes = b"ping", seconds: float = WAIT, **headers: str) -> HTTPRequest:
    return HTTPRequest(
        url=f"{url}/invoke",
        headers=headers,
        content=content,
        deadline=Deadline.after(seconds),
        caller="A.b of component 'c'",
    )


def echo(received: Received) -> None:
    received.answer(200, received.body, "application/octet-stream")


def connections(server: ScriptedServer) -> int:
    return len({received.connection for received in server.requests})


@both
def test_one_connection_serves_one_request_after_the_other(sending: Any) -> None:
    with serving(echo) as server, sending(DispatchJSONChannel()) as send:
        replies = [send(request(server.url, bytes([65 + number]))) for number in range(3)]
    assert [reply.content for reply in replies] == [b"A", b"B", b"C"]
    assert connections(server) == 1
    assert server.requests[0].headers["user-agent"] == "service"  # it was not httpx


@both
def test_a_head_that_begins_as_the_one_before_is_not_parsed(sending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed, numbers = [], itertools.count(1)

    class Parser(httptools.HttpResponseParser):
        def feed_data(self, data: Any) -> None:
            parsed.append(data)
            super().feed_data(data)

    def answer(received: Received) -> None:
        end = b"content-length: 4\r\nx-correlation-id: %d\r\n\r\n" % next(numbers)
        received.send(b"HTTP/1.1 200 OK\r\nserver: x\r\n" + end + received.body)

    monkeypatch.setattr(httptools, "HttpResponseParser", Parser)
    with serving(answer) as server, sending(DispatchJSONChannel()) as send:
        replies = [send(request(server.url, content)) for content in (b"ping", b"pong", b"pang")]
    assert [reply.content for reply in replies] == [b"ping", b"pong", b"pang"]
    assert [reply.headers["x-correlation-id"] for reply in replies] == ["1", "2", "3"]
    assert len(parsed) == 1


@both
def test_megabytes_go_there_and_back(sending: Any) -> None:
    large = bytes(range(256)) * 20_000
    with serving(echo) as server, sending(DispatchJSONChannel()) as send:
        assert send(request(server.url, large)).content == large
        assert send(request(server.url)).content == b"ping"
    assert connections(server) == 1


@both
@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"ok"),
    ],
    ids=["close", "1.0", "surplus"],
)
def test_a_connection_that_cannot_go_on_is_closed(sending: Any, answer: bytes, content: bytes) -> None:
    with serving(lambda received: received.send(answer)) as server, sending(DispatchJSONChannel()) as send:
        for _ in range(2):
            assert send(request(server.url)).content == content
            server.wait_for_connections(0)
    assert connections(server) == 2


@both
def test_the_end_of_the_connection_may_end_the_answer(sending: Any) -> None:
    def until_end(received: Received) -> None:
        received.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        received.connection.shutdown(socket.SHUT_RDWR)

    with serving(until_end) as server, sending(DispatchJSONChannel()) as send:
        assert send(request(server.url)).content == b"all of it"


@both
def test_a_connection_that_the_server_has_closed_meanwhile_is_not_used(sending: Any) -> None:
    left = threading.Event()

    def answer_and_leave(received: Received) -> None:
        echo(received)
        received.connection.shutdown(socket.SHUT_RDWR)
        left.set()

    with serving(answer_and_leave) as server, sending(DispatchJSONChannel()) as send:
        for _ in range(3):
            left.clear()
            assert send(request(server.url)).content == b"ping"
            assert left.wait(WAIT)
    assert connections(server) == 3


@both
def test_unsolicited_bytes_are_no_answer_to_the_next_request(sending: Any) -> None:
    said = threading.Event()

    def answer_twice(received: Received) -> None:
        echo(received)
        received.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfake")
        said.set()

    with serving(answer_twice) as server, sending(DispatchJSONChannel()) as send:
        for number in range(3):
            said.clear()
            assert send(request(server.url, b"%d" % number)).content == b"%d" % number
            assert said.wait(WAIT)


@both
def test_a_reset_before_the_answer_may_have_run(sending: Any) -> None:
    seen: list[Received] = []

    def once(received: Received) -> None:
        seen.append(received)
        if len(seen) > 1:
            received.reset()
        echo(received)

    with serving(once) as server, sending(DispatchJSONChannel()) as send:
        send(request(server.url))
        with pytest.raises(ServiceCommunicationException, match="connection was lost before the answer") as caught:
            send(request(server.url))
        server.wait_for_connections(0)
    assert connections(server) == 1
    assert caught.value.may_have_run


@both
def test_an_answer_that_comes_before_all_was_sent_counts(sending: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, sending(DispatchJSONChannel()) as send:

        def refuse() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno!")
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 20):
                    pass

        with ThreadPoolExecutor(1) as pool:
            refusing = pool.submit(refuse)
            reply = send(request(f"http://127.0.0.1:{listener.getsockname()[1]}", bytes(30_000_000)))
            refusing.result(WAIT)
    assert (reply.status, reply.content) == (413, b"no!")


@both
def test_idle_connections_are_given_up(sending: Any) -> None:
    channel = DispatchJSONChannel()
    channel.limits = httpx.Limits(keepalive_expiry=0.0)
    with serving(echo) as server, sending(channel) as send:
        for _ in range(2):
            send(request(server.url))
    assert connections(server) == 2


@both
def test_connections_to_an_instance_that_has_gone_are_closed_when_another_comes(sending: Any) -> None:
    channel = DispatchJSONChannel()
    channel.limits = httpx.Limits(keepalive_expiry=0.0)
    with serving(echo) as gone, serving(echo) as other, sending(channel) as send:
        send(request(gone.url))
        gone.wait_for_connections(1)
        send(request(other.url))
        gone.wait_for_connections(0)


def test_an_address_that_another_thread_forgets_meanwhile_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(PoolLimits(keepalive_expiry=5.0), ClientTLS())
    meanwhile = [engine._forget_unused]

    def write(*arguments: Any) -> bytes:
        while meanwhile:
            meanwhile.pop()()
        return write_beginning(*arguments)

    monkeypatch.setattr(f"{Engine.__module__}._MANY", 1)
    monkeypatch.setattr(f"{Engine.__module__}.write_beginning", write)
    with serving(echo) as server:
        for _ in range(3):
            assert engine.send(request(server.url), connect_timeout=WAIT, max_bytes=1000) is not None
        engine.close()
    assert connections(server) == 2


@both
def test_a_limit_of_connections_is_kept_by_httpx(sending: Any) -> None:
    channel = DispatchJSONChannel()
    channel.limits = httpx.Limits(max_connections=1)
    with serving(echo) as server, sending(channel) as send:
        assert send(request(server.url)).content == b"ping"
    assert "httpx" in server.requests[0].headers["user-agent"]


@both
def test_user_information_is_used_by_httpx(sending: Any) -> None:
    with serving(echo) as server, sending(DispatchJSONChannel()) as send:
        send(request(server.url.replace("//", "//user:secret@")))
    assert server.requests[0].headers["authorization"].startswith("Basic ")


@both
def test_a_proxy_of_the_environment_is_used(sending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(echo) as proxy, sending(DispatchJSONChannel()) as send:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert send(request("http://service.invalid:81")).content == b"ping"
    assert proxy.requests[0].path == "http://service.invalid:81/invoke"


@both
def test_a_header_that_would_be_two_is_not_sent(sending: Any) -> None:
    with serving(echo) as server, sending(DispatchJSONChannel()) as send:
        with pytest.raises(LocalServiceException, match="the value of header 'baggage' cannot be sent"):
            send(request(server.url, baggage="a\r\nx: y"))
        assert send(request(server.url, baggage="caf\xe9")).status == 200
    assert [received.headers.get("baggage") for received in server.requests] == ["caf\xe9"]


@pytest.mark.parametrize("channel_class", [DispatchJSONChannel, HTTPXJSONChannel])
@pytest.mark.parametrize("value", ["\u20ac 5", " secret", "secret\t", "a\x01b", "a\x7fb", "\u65e5\u672c"])
@both
def test_a_header_value_that_would_not_arrive_as_it_is_is_refused(
    sending: Any, value: str, channel_class: type[DispatchJSONChannel]
) -> None:
    with serving(echo) as server, sending(channel_class()) as send:
        with pytest.raises(LocalServiceException, match="the value of header 'x-user' cannot be sent") as caught:
            send(request(server.url, **cast(Any, {"x-user": value})))
        assert send(request(server.url, **cast(Any, {"x-user": "caf\xe9"}))).status == 200
    assert value.strip() not in str(caught.value)
    assert [received.headers["x-user"] for received in server.requests] == ["caf\xe9"]


@both
def test_an_encrypted_answer_without_end_ends_with_the_deadline(
    sending: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SERVICE_HTTP_CA_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:

        def serve() -> None:
            with context.wrap_socket(listener.accept()[0], server_side=True) as connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                end = time.monotonic() + WAIT / 3
                while time.monotonic() < end:
                    connection.sendall(100_000 * b"1\r\na\r\n")

        feed = ResponseParser.feed

        def slowly(parser: ResponseParser, data: bytes) -> HTTPReply | None:
            time.sleep(0.01)  # so that there is always more to read
            return feed(parser, data)

        monkeypatch.setattr(ResponseParser, "feed", slowly)
        served = pool.submit(serve)
        with sending(DispatchJSONChannel()) as send, pytest.raises(DeadlineExceeded):
            send(request(f"https://127.0.0.1:{listener.getsockname()[1]}", seconds=0.5))
        served.result(WAIT)


@both
def test_of_several_addresses_the_first_that_answers_is_used(sending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = unused_url()
    with serving(echo) as server, sending(DispatchJSONChannel()) as send:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", _address(url)) for url in (dead, server.url)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert send(request(f"http://{uuid4()}.example")).content == b"ping"


@both
def test_an_address_that_says_nothing_leaves_time_for_the_others(sending: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, ExitStack() as stack:
        silent_url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for _ in range(3):  # more than it takes in, so that further ones wait in vain
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        server = stack.enter_context(serving(echo))
        channel = DispatchJSONChannel()
        channel.connect_timeout = 1.0
        send = stack.enter_context(sending(channel))
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", _address(url)) for url in (silent_url, server.url)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert send(request(f"http://{uuid4()}.example")).content == b"ping"


@both
def test_a_family_that_the_kernel_does_not_know_leaves_the_others(
    sending: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(echo) as server, sending(DispatchJSONChannel()) as send:
        found = [
            (family, socket.SOCK_STREAM, 6, "", _address(server.url))
            for family in (socket.AF_PACKET, socket.AF_INET)  # the first has no TCP
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert send(request(f"http://{uuid4()}.example")).content == b"ping"


@both
def test_an_unknown_host_name_is_a_failure_that_did_not_run(sending: Any) -> None:
    with sending(DispatchJSONChannel()) as send:
        for name in ("service.invalid", "a" * 64 + ".invalid"):
            with pytest.raises(ServiceCommunicationException, match="cannot connect") as caught:
                send(request(f"http://{name}:1"))
            assert not caught.value.may_have_run


@both
def test_ipv6(sending: Any) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener, ThreadPoolExecutor(1) as pool:

        def serve() -> bytes:
            connection, _ = listener.accept()
            with connection:
                received = connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsix!")
                return received

        serving_one = pool.submit(serve)
        with sending(DispatchJSONChannel()) as send:
            port = listener.getsockname()[1]
            assert send(request(f"http://[::1]:{port}")).content == b"six!"
        assert f"host: [::1]:{port}\r\n".encode() in serving_one.result(WAIT)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with serving(dispatch) as server:
        yield server


@pytest.fixture
def channel(server: ScriptedServer) -> Iterator[HTTPXChannel]:
    channel = bound(DispatchJSONChannel(), server.url)
    yield channel
    channel.close()


def test_threads_call_at_once(server: ScriptedServer, channel: HTTPXChannel) -> None:
    shop = shop_over(channel)
    together = threading.Barrier(16)

    def call(number: int) -> list[int]:
        together.wait(WAIT)
        return [shop.find(number).number for _ in range(10)]

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(call, range(1, 17))) == [[number] * 10 for number in range(1, 17)]
    assert connections(server) <= 16
    channel.close()
    server.wait_for_connections(0)


def test_threads_that_come_first_to_an_address_share_its_connections(
    server: ScriptedServer, channel: HTTPXChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, together, parse = shop_over(channel), threading.Barrier(4), Origin.parse

    def parse_together(*arguments: Any) -> Origin | None:
        together.wait(WAIT)
        return parse(*arguments)

    monkeypatch.setattr(Origin, "parse", parse_together)
    with ThreadPoolExecutor(4) as pool:
        assert [order.number for order in pool.map(shop.find, range(1, 5))] == [1, 2, 3, 4]
    channel.close()
    server.wait_for_connections(0)


def test_tasks_call_at_once(server: ScriptedServer, channel: HTTPXChannel) -> None:
    shop = shop_over(channel)

    async def main() -> list[int]:
        found = await asyncio.gather(*(shop.find_async(number) for number in range(1, 201)))
        return [order.number for order in found]

    assert asyncio.run(main()) == list(range(1, 201))
    server.wait_for_connections(0)


def test_event_loops_in_turn_leave_nothing(server: ScriptedServer, channel: HTTPXChannel) -> None:
    shop = shop_over(channel)
    for _ in range(2):
        assert asyncio.run(_find(shop)) == 1
        server.wait_for_connections(0)


def test_an_event_loop_that_was_closed_by_hand_is_forgotten(server: ScriptedServer, channel: HTTPXChannel) -> None:
    shop = shop_over(channel)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # asyncio's, for a loop that was closed with open sockets
        loop = asyncio.new_event_loop()
        loop.run_until_complete(_find(shop))
        loop.close()
        del loop
        assert asyncio.run(_find(shop)) == 1
        gc.collect()
    server.wait_for_connections(0)


def test_a_forked_child_has_connections_of_its_own(server: ScriptedServer, channel: HTTPXChannel) -> None:
    shop = shop_over(channel)
    shop.find(1)
    context = multiprocessing.get_context("fork")
    result = context.SimpleQueue()

    def child() -> None:
        result.put((shop.find(2).number, asyncio.run(_find(shop))))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with the server's threads
        process = context.Process(target=child)
        process.start()
    assert result.get() == (2, 1)
    process.join(WAIT)
    assert shop.find(3).number == 3
    assert server.requests[0].connection is server.requests[-1].connection
    assert connections(server) == 3


async def test_a_connection_ends_with_its_owner_while_a_forked_child_lives(
    server: ScriptedServer, channel: HTTPXChannel
) -> None:
    shop = shop_over(channel)
    await asyncio.to_thread(shop.find, 1)
    await _find(shop)
    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(10 * WAIT,), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with the server's threads
        process.start()
    try:
        assert connections(server) == 2
        await channel.aclose()
        await asyncio.to_thread(server.wait_for_connections, 0)
    finally:
        process.kill()
        await asyncio.to_thread(process.join, WAIT)


async def test_aclose_leaves_no_connection_of_either_kind(server: ScriptedServer, channel: HTTPXChannel) -> None:
    shop = shop_over(channel)
    await _find(shop)
    await asyncio.to_thread(shop.find, 1)
    server.wait_for_connections(2)
    await channel.aclose()
    await channel.aclose()
    await asyncio.to_thread(server.wait_for_connections, 0)


async def test_a_connection_in_use_when_the_channel_is_closed_is_closed_after_its_call() -> None:
    go_on = threading.Event()

    def wait_and_dispatch(received: Received) -> None:
        assert go_on.wait(WAIT)
        dispatch(received)

    with serving(wait_and_dispatch) as server:
        channel = bound(DispatchJSONChannel(), server.url)
        shop = shop_over(channel)
        calls = [asyncio.create_task(_find(shop)), asyncio.create_task(asyncio.to_thread(lambda: shop.find(1).number))]
        await asyncio.to_thread(server.wait_for_requests, 2)
        await channel.aclose()
        go_on.set()
        assert await asyncio.gather(*calls) == [1, 1]
        await asyncio.to_thread(server.wait_for_connections, 0)


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


async def _find(shop: Shop) -> int:
    return (await shop.find_async(1)).number
