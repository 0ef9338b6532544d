"""A call that takes long on one server is sent to another one, and the attempt that is given up ends on its server."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator

import pytest

from service_channels_http import connect
from service_core import Policy, Service, blocking, idempotent, service
from service_server_fastapi import FastAPIServer, serve

LONG = 30.0


@service(name="hedged-answers")
class Answers(Service):
    @abstractmethod
    @idempotent
    async def read(self) -> str: ...


class Shared:
    """What the servers of a test have in common: the first one that is called takes long."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.cancelled = threading.Event()


class AnswersImpl(Answers):
    def __init__(self, name: str, shared: Shared) -> None:
        self.name = name
        self.shared = shared

    async def read(self) -> str:
        self.shared.calls.append(self.name)
        if len(self.shared.calls) == 1:
            try:
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                self.shared.cancelled.set()
                raise
        return self.name


@pytest.fixture(scope="module")
def implementations() -> list[AnswersImpl]:
    return [AnswersImpl(name, Shared()) for name in ("one", "other")]


@pytest.fixture(scope="module")
def servers(implementations: list[AnswersImpl]) -> Iterator[list[FastAPIServer]]:
    one, other = implementations
    with serve(one, port=0) as first, serve(other, port=0) as second:
        yield [first, second]


@pytest.fixture
def shared(implementations: list[AnswersImpl]) -> Shared:
    shared = Shared()
    for implementation in implementations:
        implementation.shared = shared
    return shared


async def from_a_task(answers: Answers) -> str:
    return await answers.read()


async def from_a_thread(answers: Answers) -> str:
    return await asyncio.to_thread(blocking(answers.read))


@pytest.mark.parametrize("call", [from_a_task, from_a_thread])
@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
async def test_the_attempt_that_is_given_up_is_cancelled_on_its_server(
    servers: list[FastAPIServer], shared: Shared, call: Callable[[Answers], asyncio.Future[str]], channel: str
) -> None:
    urls = [server.url for server in servers]
    async with connect(Answers, *urls, channel=channel, policy=Policy(hedge_after=0.05, timeout=LONG)) as answers:
        answer = await call(answers)
        assert await asyncio.to_thread(shared.cancelled.wait, LONG / 2)
    slow, quick = shared.calls
    assert answer == quick != slow
