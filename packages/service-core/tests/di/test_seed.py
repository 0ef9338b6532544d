"""The forms that modules, registries, channels and their advice take in programs."""

from typing import Any, assert_type, cast

import pytest

from service_core import Channel, ComponentRegistry, LocalComponentRegistry, ServiceManager, ServiceModule
from service_core.aop import Invocation, advice, around, methods
from service_core.declaring.catalog import Catalog
from service_core.di import Environment, create, module
from service_core.errors import DependencyException
from service_core.resilience.selectors import RoundRobinURLSelector


class PlainChannel(Channel):
    def invoke(self, invocation: Any) -> Any:
        return self.make_client()

    async def invoke_async(self, invocation: Any) -> Any: ...

    def make_client(self) -> str:
        return "client"


@module(imports=[ServiceModule])
class Module:
    def __init__(self) -> None:
        pass

    @create()
    def create_registry(self) -> LocalComponentRegistry:
        return LocalComponentRegistry()


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog()

    @advice(catalog=catalog)
    class ChannelAdvice:
        def __init__(self) -> None:
            pass

        @around(methods().named("customize").of_type(Channel))
        def customize_channel(self, invocation: Invocation) -> Any:
            channel = cast(Channel, invocation.args[0])
            channel.select_round_robin()
            return invocation.proceed()

        @around(methods().named("make_client").of_type(PlainChannel))
        def make_client(self, invocation: Invocation) -> Any:
            return f"intercepting {invocation.proceed()}"

    del ChannelAdvice
    return catalog


def test_a_module_with_a_registry_gives_a_service_manager(catalog: Catalog) -> None:
    with Environment(Module, catalog=catalog) as environment:
        manager = environment.get(ServiceManager)
        assert manager.component_registry is environment.get(ComponentRegistry)


def test_a_missing_registry_is_named(catalog: Catalog) -> None:
    @module(imports=[ServiceModule])
    class Forgetful: ...

    with pytest.raises(DependencyException) as caught:
        Environment(Forgetful, catalog=catalog)
    assert "needs ComponentRegistry, which is not provided; add a @create() method that returns " in str(caught.value)
    assert "ComponentRegistry to Forgetful, or decorate a class with @injectable() in package " in str(caught.value)


def test_channels_that_the_container_makes_are_advised(catalog: Catalog) -> None:
    with Environment(Module, catalog=catalog) as environment:
        channel = environment.create(PlainChannel)
        channel.customize()
        assert isinstance(channel.balancer.selector, RoundRobinURLSelector)
        assert channel.invoke(None) == "intercepting client"


def test_advice_can_be_declared_without_parentheses(monkeypatch: pytest.MonkeyPatch) -> None:
    catalog = Catalog()
    monkeypatch.setattr("service_core.aop._advice.default_catalog", catalog)

    @advice
    class One: ...

    @advice()
    class Two: ...

    assert catalog.advices() == [One, Two]
    assert_type(One(), One)
