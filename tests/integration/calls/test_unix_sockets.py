"""Calls over a Unix domain socket, with every channel, in this process and between processes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path

import httpx
import pytest

from service_channels_http import RestChannel, connect
from service_core import (
    ChannelFactory,
    LocalServiceException,
    Server,
    Service,
    ServiceCommunicationException,
    ServiceManager,
    StaticComponentRegistry,
    service,
    unix_url,
)
from service_core.rest import get
from service_server_fastapi import FastAPIServer, RequestContext, serve


@service(name="unix-desk")
class UnixDesk(Service):
    @get("/unix-desk/{text}")
    @abstractmethod
    def echo(self, text: str) -> str: ...

    @abstractmethod
    async def user(self) -> int | None: ...

    @abstractmethod
    def count(self, to: int) -> AsyncGenerator[int, None]: ...

    @abstractmethod
    def add(self, numbers: Iterator[int]) -> int: ...


class UnixDeskImpl(UnixDesk):
    def echo(self, text: str) -> str:
        return text

    async def user(self) -> int | None:
        peer = RequestContext.get_peer()
        return None if peer is None else peer.uid

    async def count(self, to: int) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    def add(self, numbers: Iterator[int]) -> int:
        return sum(numbers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPIServer]:
    last = Server.current_address()
    with serve(UnixDeskImpl(), uds=tmp_path_factory.mktemp("uds") / "desk.sock") as server:
        yield server
    Server._last = last


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack", "rest"])
def test_a_service_is_called(server: FastAPIServer, channel: str) -> None:
    with connect(UnixDesk, server.url, channel=channel) as desk:
        assert [desk.echo("a"), desk.echo("b/ä")] == ["a", "b/ä"]


async def test_streams_and_async_calls_go_both_ways(server: FastAPIServer) -> None:
    async with connect(UnixDesk, server.url) as desk:
        assert await desk.user() is not None
        async with aclosing(desk.count(1000)) as numbers:
            assert [number async for number in numbers] == list(range(1000))


def test_a_stream_is_sent_by_a_thread(server: FastAPIServer) -> None:
    with connect(UnixDesk, server.url) as desk:
        assert desk.add(iter(range(1000))) == 499_500


def test_a_static_registry_holds_the_address_in_both_forms(server: FastAPIServer) -> None:
    for addresses in ({"dispatch-json": server.url}, f"dispatch-json({server.url})"):
        with ServiceManager(StaticComponentRegistry({"unix-desk": addresses})) as manager:
            assert manager.get_service(UnixDesk).echo("a") == "a"


def test_an_instance_without_a_server_gives_way_to_another_one(server: FastAPIServer, tmp_path: Path) -> None:
    with connect(UnixDesk, unix_url(tmp_path / "gone.sock"), server.url) as desk:
        assert [desk.echo(text) for text in "abc"] == ["a", "b", "c"]


def test_a_socket_without_a_server_is_named_and_nothing_has_run(tmp_path: Path) -> None:
    path = tmp_path / "gone.sock"
    with (
        connect(UnixDesk, unix_url(path)) as desk,
        pytest.raises(ServiceCommunicationException, match=f"cannot connect .*{path}") as caught,
    ):
        desk.echo("a")
    assert not caught.value.may_have_run


def test_the_large_is_carried(server: FastAPIServer) -> None:
    with connect(UnixDesk, server.url) as desk:
        assert desk.echo("ä" * 2_000_000) == "ä" * 2_000_000


@pytest.mark.parametrize(
    ("target", "remedy"),
    [
        ("/run/a.sock", r"without a scheme; write unix_url\('/run/a.sock'\)"),
        ("http+unix:///run/a.sock", "write its absolute path percent-encoded"),
    ],
)
def test_what_looks_like_a_path_is_refused_with_what_to_write(target: str, remedy: str) -> None:
    with pytest.raises(LocalServiceException, match=remedy):
        connect(UnixDesk, target)


def test_a_channel_that_sends_with_httpx_refuses_it_with_what_to_do(server: FastAPIServer) -> None:
    registry = StaticComponentRegistry({"unix-desk": {"rest": server.url}})
    with (
        ServiceManager(registry, ChannelFactory(create=lambda _: _over_httpx())) as manager,
        pytest.raises(LocalServiceException, match=r"are sent by the engine, .* httpx\.HTTPTransport\(uds=\.\.\.\)"),
    ):
        manager.get_service(UnixDesk, "rest").echo("a")


def test_an_httpx_client_of_the_users_reaches_the_socket(server: FastAPIServer) -> None:
    uds = server.settings.uds
    assert uds is not None
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(uds))) as client:
        assert client.get("http://localhost/unix-desk/a").json() == "a"


def _over_httpx() -> RestChannel:
    channel = RestChannel()
    channel.transport = "httpx"
    return channel
