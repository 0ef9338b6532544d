"""Arguments that are streams, to a server that takes nothing any more and does not say so."""

from __future__ import annotations

import asyncio
import itertools
import socket
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from typing import Literal

import pytest

from service_channels_http import DispatchMSGPackChannel, connect
from service_core import DeadlineExceeded, Policy, Service, service

_ITEM = "x" * 100_000
"""Large enough for the buffers of the system to fill at once."""


@service(name="intake")
class Uploads(Service):
    @abstractmethod
    async def store(self, rows: AsyncIterator[str]) -> int: ...

    @abstractmethod
    def store_sync(self, rows: Iterator[str]) -> int: ...

    @abstractmethod
    def echo(self, rows: AsyncIterator[str]) -> AsyncIterator[str]: ...


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and reads nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture(params=["engine", "httpx"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    make = DispatchMSGPackChannel.__init__

    def with_transport(channel: DispatchMSGPackChannel) -> None:
        make(channel)
        channel.transport = request.param

    monkeypatch.setattr(DispatchMSGPackChannel, "__init__", with_transport)
    return str(request.param)


async def _rows() -> AsyncIterator[str]:
    for item in itertools.repeat(_ITEM):
        yield item


def upload(url: str, form: Literal["async", "sync", "both ways"]) -> None:
    policy = Policy(timeout=30.0, idle_timeout=0.5)

    async def both_ways(uploads: Uploads) -> None:
        async for _ in uploads.echo(_rows()):
            raise AssertionError("nothing was answered")

    with connect(Uploads, url, channel="dispatch-msgpack", policy=policy) as uploads:
        if form == "sync":
            uploads.store_sync(itertools.repeat(_ITEM))
        elif form == "async":
            asyncio.run(_awaited(uploads))
        else:
            asyncio.run(both_ways(uploads))


async def _awaited(uploads: Uploads) -> None:
    await uploads.store(_rows())


@pytest.mark.usefixtures("transport")
@pytest.mark.parametrize("form", ["async", "sync"])
def test_an_upload_of_which_nothing_is_taken_ends_with_the_idle_timeout(
    silent: str, form: Literal["async", "sync"]
) -> None:
    with pytest.raises(DeadlineExceeded, match="idle_timeout"):
        upload(silent, form)


def test_a_conversation_of_which_nothing_is_taken_ends_with_the_idle_timeout(silent: str) -> None:
    with pytest.raises(DeadlineExceeded, match="idle_timeout"):
        upload(silent, "both ways")
