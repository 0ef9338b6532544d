"""``serve`` and ``connect``: a service in one flat file per side, over real sockets."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import pytest

from service_channels_http import connect
from service_core import (
    Component,
    ComponentUnavailableException,
    InvalidTokenException,
    MissingTokenException,
    Policy,
    Service,
    ServiceCommunicationException,
    StaticComponentRegistry,
    TokenVerifier,
    component,
    service,
)
from service_core.rest import get
from service_server_fastapi import FastAPIServer, serve


@service(name="short-greeter")
class Greeter(Service):
    @abstractmethod
    def greet(self, name: str) -> str: ...

    @abstractmethod
    async def greet_async(self, name: str) -> str: ...


class GreeterImpl(Greeter):
    def __init__(self, greeting: str = "hello") -> None:
        self.greeting = greeting

    def greet(self, name: str) -> str:
        return f"{self.greeting} {name}"

    async def greet_async(self, name: str) -> str:
        return f"{self.greeting} {name}"


@service(name="short-clock")
class Clock(Service):
    @abstractmethod
    @get("/short/clock")
    def now(self) -> str: ...


@component(name="short-clock-component", services=[Clock])
class ClockComponent(Component): ...


class ClockImpl(Clock):
    def now(self) -> str:
        return "noon"


class OneToken(TokenVerifier):
    async def verify(self, token: str) -> str:
        if token != "good":
            raise InvalidTokenException("unknown token")
        return "ann"


@pytest.fixture
def server() -> Iterator[FastAPIServer]:
    with serve(GreeterImpl(), ClockImpl(), port=0) as server:
        yield server


@pytest.mark.parametrize("channel", ["", "dispatch-json", "dispatch-msgpack"])
def test_a_service_without_a_component_is_called_by_its_interface_alone(server: FastAPIServer, channel: str) -> None:
    with connect(Greeter, server.url, channel=channel) as greeter:
        assert greeter.greet("world") == "hello world"


async def test_an_async_block_gives_the_service_and_closes_it(server: FastAPIServer) -> None:
    connection = connect(Greeter, server.url)
    async with connection as greeter:
        assert await greeter.greet_async("world") == "hello world"
    with pytest.raises(ComponentUnavailableException, match="closed"):
        await connection.service.greet_async("world")


def test_a_service_with_routes_is_offered_over_rest_and_its_component_needs_no_implementation(
    server: FastAPIServer,
) -> None:
    with connect(Clock, server.url, channel="rest") as clock:
        assert clock.now() == "noon"


def test_several_addresses_are_instances(server: FastAPIServer) -> None:
    with serve(GreeterImpl("bye"), port=0) as other:
        policy = Policy(timeout=5.0)
        with connect(Greeter, server.url, other.url, policy=policy) as greeter:
            assert {greeter.greet("ann") for _ in range(50)} == {"hello ann", "bye ann"}


def test_a_registry_takes_the_place_of_addresses(server: FastAPIServer) -> None:
    registry = StaticComponentRegistry({"short-greeter": {"dispatch-json": server.url}})
    with connect(Greeter, registry) as greeter:
        assert greeter.greet("world") == "hello world"


def test_the_server_stops_when_its_block_ends() -> None:
    with serve(GreeterImpl(), port=0) as server:
        url = server.url
    with connect(Greeter, url, policy=Policy(timeout=2.0)) as greeter, pytest.raises(ServiceCommunicationException):
        greeter.greet("world")


def test_a_token_goes_with_every_call() -> None:
    with serve(GreeterImpl(), port=0, verifier=OneToken()) as server:
        with connect(Greeter, server.url, token="good") as greeter:
            assert greeter.greet("world") == "hello world"
        with connect(Greeter, server.url, token=lambda: "bad") as greeter, pytest.raises(InvalidTokenException):
            greeter.greet("world")
        with connect(Greeter, server.url) as greeter, pytest.raises(MissingTokenException):
            greeter.greet("world")


async def test_an_async_block_starts_and_stops_the_server() -> None:
    async with serve(GreeterImpl(), port=0) as server, connect(Greeter, server.url) as greeter:
        assert await greeter.greet_async("world") == "hello world"
    async with connect(Greeter, server.url, policy=Policy(timeout=2.0)) as greeter:
        with pytest.raises(ServiceCommunicationException):
            await greeter.greet_async("world")
