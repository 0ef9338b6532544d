"""Descriptors as a document."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr

from service_core import (
    Catalog,
    ChannelAddress,
    Component,
    ErrorCode,
    Policy,
    Service,
    allow_anonymous,
    component,
    idempotent,
    raises,
    service,
    with_policy,
)
from service_core.describing import Description, MethodDescription, describe, read_description, write_description
from service_core.rest import QueryParam, get, rest


@dataclass
class NotFound(Exception):
    """There is no such order."""

    code = ErrorCode.NOT_FOUND
    number: int


PASSWORD = SecretStr("hunter2")


class Order(BaseModel):
    number: int
    title: str = ""
    token: SecretStr = SecretStr("hunter2")
    stamp: bytes = b"\xff"


def described(interface: type, **options: Any) -> Description:
    """The description of a service with that interface."""
    catalog = Catalog()
    service(name="orders", catalog=catalog)(interface)

    class Orders(Component): ...

    component(name="orders-component", services=[interface], catalog=catalog, **options)(Orders)
    descriptor = catalog.component(Orders)
    return describe(
        [(descriptor, one) for one in descriptor.services],
        {"orders-component": [ChannelAddress("rest", "http://10.0.0.7:8000")]},
    )


def method_of(function: Any) -> MethodDescription:
    """The description of one method."""
    interface = type("Orders", (Service,), {function.__name__: abstractmethod(function), "__module__": __name__})
    ((_, _, method),) = described(interface).methods()
    return method


def test_a_component_is_described_with_its_services_and_addresses() -> None:
    class Orders(Service):
        """Orders and what becomes of them."""

        @abstractmethod
        def count(self) -> int: ...

    (found,) = described(Orders, description="of the shop").components

    assert (found.name, found.description) == ("orders-component", "of the shop")
    assert [(one.name, one.url) for one in found.channels] == [("rest", "http://10.0.0.7:8000")]
    assert [(one.name, one.interface, one.doc) for one in found.services] == [
        ("orders", "Orders", "Orders and what becomes of them.")
    ]


def test_a_method_is_described_as_python_declares_it() -> None:
    async def find(self: Any, text: str, limit: int = 3, *, order: Order | None = None) -> list[Order]:
        """Find orders.

        By their text.
        """
        raise NotImplementedError

    method = method_of(find)

    assert (
        method.signature
        == "async def find(self, text: str, limit: int = 3, *, order: Order | None = None) -> list[Order]"
    )
    assert method.doc == "Find orders.\n\nBy their text."
    assert [one.required for one in method.parameters] == [True, False, False]


def test_types_are_described_as_the_wire_carries_them() -> None:
    def store(self: Any, data: bytes, size: Annotated[int, Field(ge=1)]) -> Order:
        raise NotImplementedError

    method = method_of(store)

    data, size = (parameter.value.schema for parameter in method.parameters)
    assert (data["type"], data["contentEncoding"]) == ("string", "base64url")
    assert size == {"type": "integer", "minimum": 1}
    assert method.result.schema["properties"]["stamp"]["default"] == "_w=="


def test_a_stream_is_described_by_its_items() -> None:
    def double(self: Any, numbers: AsyncIterator[int], factor: int) -> AsyncIterator[str]:
        raise NotImplementedError

    method = method_of(double)

    numbers, factor = (parameter.value for parameter in method.parameters)
    assert (numbers.type, numbers.schema, numbers.stream) == ("AsyncIterator[int]", {"type": "integer"}, True)
    assert (factor.schema, factor.stream) == ({"type": "integer"}, False)
    assert (method.result.type, method.result.schema) == ("AsyncIterator[str]", {"type": "string"})
    assert method.result.stream


def test_no_secret_is_shown() -> None:
    def enter(self: Any, password: SecretStr = PASSWORD) -> Order:
        raise NotImplementedError

    method = method_of(enter)

    assert (method.parameters[0].required, method.parameters[0].default) == (False, None)
    assert "default" not in method.result.schema["properties"]["token"]
    assert "hunter2" not in repr(method)
    assert "***" not in repr(method)


def test_errors_policies_and_promises_are_described() -> None:
    @raises(NotFound)
    @idempotent
    @allow_anonymous
    @with_policy(Policy(timeout=2.0, max_attempts=3))
    def find(self: Any, number: int) -> Order:
        raise NotImplementedError

    method = method_of(find)

    assert [(one.name, one.code, one.doc) for one in method.errors] == [
        ("NotFound", "not_found", "There is no such order.")
    ]
    assert method.errors[0].schema["properties"] == {"number": {"type": "integer"}}
    assert (method.idempotent, method.anonymous, method.policy) == (True, True, {"timeout": 2.0, "max_attempts": 3})


def test_a_route_is_described_with_the_places_and_names_of_its_parameters() -> None:
    @rest("/orders")
    class Orders(Service):
        @abstractmethod
        @get("/{number}")
        def find(self, number: int, top: Annotated[int, QueryParam(name="max")] = 3) -> Order: ...

    ((_, _, method),) = described(Orders).methods()

    assert method.route is not None
    assert (method.route.verb, method.route.path, method.route.status) == ("GET", "/orders/{number}", 200)
    assert method.route.places == {"number": "path", "top": "query"}
    assert method.route.names == {"top": "max"}


def test_a_document_is_read_as_it_was_written() -> None:
    class Orders(Service):
        @abstractmethod
        @raises(NotFound)
        def find(self, number: int, *, order: Order | None = None) -> list[Order]: ...

    description = described(Orders)

    assert read_description(write_description(description)) == description


# digests


def digest(function: Any) -> str:
    return method_of(function).digest


def test_texts_and_policies_do_not_change_a_digest() -> None:
    def find(self: Any, title: str) -> int:
        raise NotImplementedError

    def with_text(self: Any, title: str) -> int:
        """It has a text now."""
        raise NotImplementedError

    with_text.__name__ = "find"

    assert digest(find) == digest(with_policy(Policy(timeout=1.0))(with_text))


def test_whatever_a_caller_can_notice_changes_a_digest() -> None:
    def base(self: Any, number: int) -> int:
        raise NotImplementedError

    def renamed(self: Any, amount: int) -> int:
        raise NotImplementedError

    def retyped(self: Any, number: str) -> int:
        raise NotImplementedError

    def defaulted(self: Any, number: int = 3) -> int:
        raise NotImplementedError

    def longer(self: Any, number: int, more: int = 1) -> int:
        raise NotImplementedError

    def other_result(self: Any, number: int) -> str:
        raise NotImplementedError

    def declared(self: Any, number: int) -> int:
        raise NotImplementedError

    functions = [base, renamed, retyped, defaulted, longer, other_result, raises(NotFound)(declared)]
    for function in functions:
        function.__name__ = "find"

    assert len({digest(function) for function in functions}) == len(functions)


@pytest.mark.parametrize("name", ["title", "description", "examples"])
def test_a_field_named_as_a_keyword_of_json_schema_is_part_of_the_digest(name: str) -> None:
    def find(self: Any, order: Any) -> int:
        raise NotImplementedError

    digests = set()
    for fields in ({}, {name: (str, ...)}):
        model = type("Model", (BaseModel,), {"__annotations__": {key: kind for key, (kind, _) in fields.items()}})
        find.__annotations__["order"] = model
        digests.add(digest(find))

    assert len(digests) == 2
