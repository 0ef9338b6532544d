"""Every code block of the original's documentation does what its text says."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest

from service_core import DynamicProxy, Server, ServiceManager
from service_core.di import Environment
from service_server_fastapi import FastAPIServer

# The classes are reached through their modules: pytest would take TestService for a test.
from tests.seed import implementation, interface, log
from tests.seed.interface import Data, OtherService
from tests.seed.server_module import Caller, Module


@pytest.fixture
def environment() -> Iterator[Environment]:
    log.customized.clear()
    log.intercepted.clear()
    server = FastAPIServer(host="127.0.0.1", port=0)

    environment = server.boot(Module)
    yield environment

    server.stop()


def test_a_service_is_called_locally_without_a_server() -> None:
    with Environment(Module) as environment:
        service_manager = environment.get(ServiceManager)

        service = service_manager.get_service(interface.TestService)

        assert service.hello("world") == "hello world"
        assert isinstance(service, implementation.TestServiceImpl)


@pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack"])
def test_a_service_is_called_over_a_preferred_channel(environment: Environment, channel: str) -> None:
    service_manager = environment.get(ServiceManager)

    service = service_manager.get_service(interface.TestService, preferred_channel=channel)
    other = service_manager.get_service(OtherService, preferred_channel=channel)

    assert not isinstance(service, implementation.TestServiceImpl)
    assert service.hello("world") == "hello world"
    assert other.set_data(Data("x")) == Data("x")


async def test_an_async_method_is_called(environment: Environment) -> None:
    other = environment.get(ServiceManager).get_service(OtherService, preferred_channel="dispatch-json")

    assert await other.hello_async("world") == "hello world"
    await environment.get(ServiceManager).aclose()


def test_advice_customizes_every_channel_once(environment: Environment) -> None:
    service_manager = environment.get(ServiceManager)
    for channel in ("dispatch-json", "fancy"):
        service = service_manager.get_service(interface.TestService, preferred_channel=channel)
        service.hello("world")
        service.hello("world")

    assert log.customized == ["dispatch-json", "fancy"]


def test_advice_replaces_the_http_client(environment: Environment) -> None:
    service = environment.get(ServiceManager).get_service(interface.TestService, preferred_channel="dispatch-json")
    service.hello("world")

    assert log.intercepted == ["Bearer secret"]


def test_an_own_channel_carries_calls(environment: Environment) -> None:
    service = environment.get(ServiceManager).get_service(interface.TestService, preferred_channel="fancy")

    assert service.hello("world") == f"fancy hello('world',) at fancy://127.0.0.1:{Server.port}"


def test_a_service_is_injected(environment: Environment) -> None:
    assert isinstance(environment.get(Caller).service, implementation.TestServiceImpl)


def test_the_component_answers_for_its_health(environment: Environment) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{Server.port}/test-health") as response:
        assert json.load(response)["status"] == "OK"


def test_the_nested_names_are_aliases() -> None:
    from service_core import Channel, FirstURLSelector, Health, Invocation, RoundRobinURLSelector, URLSelector
    from service_health import HealthCheckManager

    assert Channel.URLSelector is URLSelector
    assert Channel.FirstURLSelector is FirstURLSelector
    assert Channel.RoundRobinURLSelector is RoundRobinURLSelector
    assert DynamicProxy.Invocation is Invocation
    assert HealthCheckManager.Health is Health
