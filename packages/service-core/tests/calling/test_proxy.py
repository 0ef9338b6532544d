"""Proxies: every call goes to the handler, and no code of the interface runs."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from abc import abstractmethod
from typing import Any

import pytest

from service_core.calling.proxy import DynamicProxy, Invocation, InvocationHandler
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import service
from service_core.declaring.interfaces import Service
from service_core.errors import DeclarationException

CATALOG = Catalog()


class Echo(InvocationHandler):
    """Answers with what was called."""

    def invoke(self, invocation: Invocation) -> Any:
        return ("sync", invocation.descriptor.name, invocation.arguments())

    async def invoke_async(self, invocation: Invocation) -> Any:
        await asyncio.sleep(0)
        return ("async", invocation.descriptor.name, invocation.arguments())

    def __repr__(self) -> str:
        return "<echo>"


class Base(Service):
    def inherited(self, a: int) -> Any:
        raise AssertionError("the interface was run")


@service(catalog=CATALOG)
class Greeter(Base):
    """Greets."""

    def __init__(self) -> None:
        raise AssertionError("the interface was made")

    @abstractmethod
    def greet(self, name: str, /, greeting: str = "hello", *, loud: bool = False) -> Any:
        """Greet a person."""
        raise AssertionError("the interface was run")

    @abstractmethod
    async def greet_later(self, name: str, greeting: str = "hello") -> Any:
        raise AssertionError("the interface was run")


@pytest.fixture
def greeter() -> Greeter:
    return DynamicProxy.create(Greeter, Echo(), catalog=CATALOG)


def test_a_proxy_is_one_of_the_interface(greeter: Greeter) -> None:
    assert isinstance(greeter, Greeter)
    assert isinstance(greeter, Base)
    assert repr(greeter) == "<proxy of Greeter over <echo>>"


def test_arguments_arrive_however_they_are_given(greeter: Greeter) -> None:
    assert greeter.greet("Ann") == ("sync", "greet", ("Ann",))
    assert greeter.greet("Ann", "hi") == ("sync", "greet", ("Ann", "hi"))
    assert greeter.greet("Ann", greeting="hi", loud=True) == ("sync", "greet", ("Ann", "hi", True))


async def test_an_async_method_is_awaited(greeter: Greeter) -> None:
    assert inspect.iscoroutinefunction(greeter.greet_later)
    assert await greeter.greet_later(greeting="hi", name="Ann") == ("async", "greet_later", ("Ann", "hi"))


def test_inherited_methods_are_called_too(greeter: Greeter) -> None:
    assert greeter.inherited(a=1) == ("sync", "inherited", (1,))


def test_methods_keep_name_documentation_and_signature(greeter: Greeter) -> None:
    assert (greeter.greet.__name__, greeter.greet.__doc__) == ("greet", "Greet a person.")
    assert str(inspect.signature(greeter.greet)).startswith("(name: 'str', /, greeting: 'str' = 'hello'")


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {}, r"missing a required (positional-only )?argument: 'name'"),
        (("Ann", "hi", True), {}, r"too many positional arguments; give by name: loud=\.\.\."),
        (("Ann",), {"shout": True}, "got an unexpected keyword argument 'shout'"),
        (("Ann", "hi"), {"greeting": "hey"}, "multiple values for argument 'greeting'"),
    ],
)
def test_wrong_arguments_are_refused_as_by_a_local_call(
    greeter: Greeter, args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=rf"^Greeter\.greet\(\): {message}$"):
        greeter.greet(*args, **kwargs)


def test_an_argument_may_be_called_like_what_the_proxy_uses_itself() -> None:
    @service(catalog=CATALOG)
    class Odd(Service):
        def odd(self, _self: int, args: int, kwargs: int, handler: int) -> Any: ...

    proxy = DynamicProxy.create(Odd, Echo(), catalog=CATALOG)
    assert proxy.odd(_self=1, args=2, kwargs=3, handler=4) == ("sync", "odd", (1, 2, 3, 4))


def test_an_implementation_cannot_be_requested() -> None:
    class Impl(Greeter): ...

    with pytest.raises(DeclarationException, match="implements a service interface; write Greeter"):
        DynamicProxy.create(Impl, Echo(), catalog=CATALOG)


def test_an_invocation_names_service_method_and_function() -> None:
    descriptor = CATALOG.service(Greeter)
    invocation = Invocation(descriptor, descriptor.methods["greet"], ("secret",))
    assert (invocation.service, invocation.type, invocation.method) == (descriptor, Greeter, Greeter.greet)
    assert (invocation.args, invocation.kwargs) == (("secret",), {})


def test_the_repr_of_an_invocation_holds_no_arguments() -> None:
    descriptor = CATALOG.service(Greeter)
    assert repr(Invocation(descriptor, descriptor.methods["greet"], ("secret",))) == "Call(Greeter.greet)"


def test_the_names_of_the_seed_are_aliases() -> None:
    assert DynamicProxy.Invocation is Invocation
    assert DynamicProxy.InvocationHandler is InvocationHandler


def test_the_class_of_a_proxy_belongs_to_the_module_of_its_interface(greeter: Greeter) -> None:
    assert type(greeter).__module__ == __name__


def test_a_proxy_cannot_be_pickled(greeter: Greeter) -> None:
    with pytest.raises(pickle.PicklingError, match=r"^a proxy of Greeter cannot be pickled.*pass the addresses"):
        pickle.dumps(greeter)


def test_a_copy_of_a_proxy_is_the_proxy(greeter: Greeter) -> None:
    assert copy.copy(greeter) is greeter
    assert copy.deepcopy([greeter]) == [greeter]


def test_neither_init_subclass_nor_the_constructor_of_an_interface_is_run() -> None:
    catalog, run = Catalog(), list[str]()

    @service(catalog=catalog)
    class Counted(Service):
        def __init_subclass__(cls, **options: Any) -> None:
            super().__init_subclass__(**options)
            run.append(cls.__name__)

        def __init__(self) -> None:
            run.append("__init__")

        @abstractmethod
        def count(self) -> int: ...

    proxy = DynamicProxy.create(Counted, Echo(), catalog=catalog)
    assert isinstance(proxy, Counted)
    assert run == []
