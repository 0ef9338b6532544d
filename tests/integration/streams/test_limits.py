"""The limits of a server for streams: how many a caller has open, and how long no item may come."""

from __future__ import annotations

import asyncio
import json
import threading
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import httpx
import pytest

from service_channels_http import connect
from service_core import (
    ErrorCode,
    InvalidTokenException,
    Policy,
    Service,
    ServiceException,
    implementation,
    service,
    with_policy,
)
from service_core.dispatch.streams import item_limits
from service_core.rest import NDJSON, get, rest
from service_server_fastapi import FastAPIServer, serve
from service_server_fastapi.settings import ServerSettings
from tests.integration.streams.chat import Chat, ChatImpl
from tests.integration.streams.rooms import Rooms, RoomsImpl
from tests.support.waiting import PATIENCE, eventually


@service(name="quiet-streams")
@rest("/quiet")
class Quiet(Service):
    """Streams without items, or with one."""

    @abstractmethod
    @get("/items")
    @with_policy(Policy(timeout=0.3, idle_timeout=0.3))
    def items(self, count: int) -> AsyncIterator[int]: ...

    @abstractmethod
    @get("/sparse")
    @with_policy(Policy(idle_timeout=None))
    def sparse(self) -> AsyncIterator[int]: ...


@implementation
class QuietImpl(Quiet):
    """``ended`` is set by the ``finally`` blocks; ``sparse`` yields its second item when ``goes_on`` is set."""

    def __init__(self) -> None:
        self.ended = threading.Event()
        self.goes_on = threading.Event()

    async def items(self, count: int) -> AsyncIterator[int]:
        try:
            for number in range(count):
                yield number
            await asyncio.Event().wait()
        finally:
            self.ended.set()

    async def sparse(self) -> AsyncIterator[int]:
        yield 1
        await asyncio.to_thread(self.goes_on.wait, PATIENCE)
        yield 2


TWO = ServerSettings(max_streams_per_caller=2)
CALL = {"method": "stream-chat:stream-chat:watch", "args": ["endless", 1]}


@pytest.fixture
def impls() -> tuple[ChatImpl, RoomsImpl]:
    return ChatImpl(), RoomsImpl()


@pytest.fixture
def server(impls: tuple[ChatImpl, RoomsImpl]) -> Iterator[FastAPIServer]:
    with serve(*impls, port=0, settings=TWO) as server:
        yield server


def watching(server: FastAPIServer, channel: str) -> tuple[Any, Any]:
    """A way to open endless streams, and what to close in the end."""
    service: type[Chat] | type[Rooms] = Rooms if channel == "rest" else Chat
    manager = connect(service, server.url, channel=channel, policy=Policy(max_attempts=1, timeout=PATIENCE))
    return manager, lambda opened: opened.watch("endless", 1)


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack", "rest"])
def test_a_caller_has_so_many_streams_and_gets_another_one_when_one_has_ended(
    server: FastAPIServer, channel: str
) -> None:
    connecting, watch = watching(server, channel)

    async def open_three(opened: Any) -> None:
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(aclosing(watch(opened)))
            second = await stack.enter_async_context(aclosing(watch(opened)))
            await asyncio.gather(anext(first), anext(second))
            with pytest.raises(ServiceException, match="max_streams_per_caller") as raised:
                await anext(watch(opened))
            assert raised.value.code is ErrorCode.RESOURCE_EXHAUSTED
            assert not raised.value.may_have_run
            await first.aclose()
            await asyncio.to_thread(eventually, lambda: opens(server) == 200)

    with connecting as opened:
        asyncio.run(open_three(opened))
    eventually(lambda: opens(server) == 200)


def opens(server: FastAPIServer) -> int:
    """The status of one more stream, which is left at once."""
    with httpx.stream("POST", f"{server.url}/invoke", json=CALL, timeout=PATIENCE) as answer:
        return answer.status_code


def test_a_refused_stream_is_answered_with_429_and_has_not_run(server: FastAPIServer) -> None:
    lines = f"{server.url}/rooms/endless/messages?count=1"
    with httpx.Client(timeout=PATIENCE) as client, client.stream("GET", lines), client.stream("GET", lines):
        refused = client.get(lines)
        assert (refused.status_code, refused.json()["code"]) == (429, "resource_exhausted")
        assert refused.json()["executed"] is False
        over_dispatch = client.post(f"{server.url}/invoke", json=CALL)
        assert (over_dispatch.status_code, over_dispatch.json()["exception"]["code"]) == (429, "resource_exhausted")
        upload = client.post(f"{server.url}/rooms/a/lines", content=b'"x"\n', headers={"content-type": NDJSON})
        assert upload.status_code == 429
    eventually(lambda: opens(server) == 200)


class Names:
    """The token is the name."""

    async def verify(self, token: str) -> str:
        if token == "wrong":
            raise InvalidTokenException("wrong")
        return token


def test_each_verified_caller_has_streams_of_its_own() -> None:
    one = ServerSettings(max_streams_per_caller=1)

    async def watch(chat: Chat, stack: AsyncExitStack) -> None:
        await anext(await stack.enter_async_context(aclosing(cast(Any, chat.watch("endless", 1)))))

    async def use(ann: Chat, bob: Chat) -> None:
        async with AsyncExitStack() as stack:
            await watch(ann, stack)
            await watch(bob, stack)
            with pytest.raises(ServiceException) as raised:
                await watch(ann, stack)
            assert raised.value.code is ErrorCode.RESOURCE_EXHAUSTED

    policy = Policy(max_attempts=1, timeout=PATIENCE)
    with (
        serve(ChatImpl(), port=0, settings=one, verifier=Names()) as server,
        connect(Chat, server.url, token="ann", policy=policy) as ann,
        connect(Chat, server.url, token="bob", policy=policy) as bob,
    ):
        asyncio.run(use(ann, bob))


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[QuietImpl, str]]:
    monkeypatch.setattr(item_limits, "_GRACE", 0.05)
    with serve(impl := QuietImpl(), port=0) as server:
        yield impl, server.url


@pytest.mark.parametrize(("count", "limit"), [(0, "within the timeout"), (1, "for 0.3 s, the idle_timeout")])
def test_a_client_that_keeps_no_limits_gets_those_of_the_interface(
    quiet: tuple[QuietImpl, str], count: int, limit: str
) -> None:
    impl, url = quiet
    answer = httpx.get(f"{url}/quiet/items?count={count}", timeout=PATIENCE)
    problem = answer.json() if count == 0 else json.loads(answer.text.splitlines()[-1])["$problem"]
    assert problem["code"] == "deadline_exceeded"
    assert problem["detail"] == f"no item came {limit} of the call's policy"
    assert impl.ended.is_set()


def test_a_client_that_has_sent_limits_gets_these(quiet: tuple[QuietImpl, str]) -> None:
    impl, url = quiet
    mine = {"x-item-timeouts-ms": "100,0"}
    assert httpx.get(f"{url}/quiet/items?count=0", headers=mine, timeout=PATIENCE).status_code == 504
    with httpx.stream("GET", f"{url}/quiet/items?count=1", headers=mine, timeout=PATIENCE) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "0"
        impl.ended.clear()
        assert not impl.ended.wait(1.0)
    assert impl.ended.wait(PATIENCE)


@pytest.mark.parametrize("channel", ["dispatch-json", "rest"])
def test_the_policy_of_the_caller_holds_on_the_server(quiet: tuple[QuietImpl, str], channel: str) -> None:
    impl, url = quiet

    async def read(opened: Quiet) -> list[int]:
        sparse = aiter(opened.sparse())
        first = await anext(sparse)
        await asyncio.sleep(0.5)  # longer than the limits below
        impl.goes_on.set()
        return [first, await anext(sparse)]

    with connect(Quiet, url, channel=channel, policy=Policy(timeout=PATIENCE, idle_timeout=0.2)) as opened:
        assert asyncio.run(read(opened)) == [1, 2]  # the method's own policy takes precedence
