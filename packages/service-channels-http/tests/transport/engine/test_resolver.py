"""Names are looked up in time, once for all calls that need them, and kept for some seconds."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service_channels_http.transport.engine.resolver import Resolver, interleaved

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 1))]


class NameServer:
    """A ``getaddrinfo`` that answers when it is let go."""

    def __init__(self) -> None:
        self.queries = 0
        self.answers = threading.Event()
        self.queried = threading.Event()
        self.threads: list[threading.Thread] = []

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.queries += 1
        self.threads.append(threading.current_thread())
        self.queried.set()
        assert self.answers.wait(30)
        return FOUND


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Any:
    server = NameServer()
    monkeypatch.setattr(socket, "getaddrinfo", server)
    yield server
    server.answers.set()


def test_a_lookup_ends_in_time_and_its_thread_does_not_delay_the_end_of_the_program(name_server: NameServer) -> None:
    with pytest.raises(TimeoutError):
        Resolver().resolve("slow.example", 80, time.monotonic() + 0.05)
    assert name_server.threads[0].daemon


def test_an_async_lookup_leaves_the_event_loop_free(name_server: NameServer) -> None:
    async def main() -> Any:
        lookup = asyncio.create_task(Resolver().resolve_async("slow.example", 80))
        assert await asyncio.to_thread(name_server.queried.wait, 30)
        name_server.answers.set()
        return await lookup

    assert asyncio.run(main()) == FOUND


def test_calls_share_a_lookup_and_its_answer(name_server: NameServer) -> None:
    resolver, end = Resolver(), time.monotonic() + 30
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(resolver.resolve, "shop.example", 80, end)
        assert name_server.queried.wait(30)
        second = pool.submit(resolver.resolve, "shop.example", 80, end)
        name_server.answers.set()
        assert (first.result(), second.result()) == (FOUND, FOUND)
    assert resolver.resolve("shop.example", 80, end) == FOUND
    assert name_server.queries == 1
    resolver.forget("shop.example", 80)
    assert resolver.resolve("shop.example", 80, end) == FOUND
    assert name_server.queries == 2


def test_a_lookup_that_outlives_its_event_loop_harms_nothing(name_server: NameServer) -> None:
    resolver = Resolver()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(resolver.resolve_async("slow.example", 80), 0.05)

    asyncio.run(main())
    name_server.answers.set()
    assert resolver.resolve("slow.example", 80, time.monotonic() + 30) == FOUND


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror("no such name")

    resolver, end = Resolver(), time.monotonic() + 30
    with monkeypatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", fail)
        with pytest.raises(socket.gaierror):
            resolver.resolve("shop.example", 80, end)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: FOUND)
    assert resolver.resolve("shop.example", 80, end) == FOUND


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_address_needs_no_lookup(host: str) -> None:
    [(_, _, _, _, address), *_] = Resolver().resolve(host, 80, time.monotonic())
    assert address[0] == host


def test_address_families_alternate() -> None:
    one, other = FOUND[0], (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 1, 0, 0))
    assert interleaved([other, other, other, one]) == [other, one, other, other]
