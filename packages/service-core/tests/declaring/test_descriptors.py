"""What is found out about an interface."""

from __future__ import annotations

from abc import abstractmethod
from collections import abc  # noqa: F401 - a type hint below names it
from typing import Annotated, Any

import pytest
from pydantic import Field

from service_core.arguments import NO_DEFAULT, NOT_GIVEN
from service_core.declaring.decorators import idempotent, raises
from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.inspection import check_shape, describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import DeclarationException


class NotThere(Exception): ...


class NotThereYet(NotThere): ...


class Broken(Exception): ...


class Reader(Service):
    @raises(NotThere)
    @abstractmethod
    def read(self, key: str) -> bytes: ...

    @abstractmethod
    def size(self) -> int: ...


@raises(Broken)
class Store(Reader):
    @abstractmethod
    def size(self) -> bool: ...

    @raises(NotThereYet)
    @raises(NotThere)
    @idempotent
    @abstractmethod
    async def write(
        self, key: Annotated[str, Field(min_length=1)], /, data: bytes = b"", *, tags: list[str], ttl: int | None = None
    ) -> None: ...

    def _inner(self, anything): ...  # type: ignore[no-untyped-def]

    limit = 7


STORE = describe_service(Store, "store", "keeps things")
WRITE = STORE.methods["write"]


def test_a_service_has_its_own_methods_and_those_it_inherits() -> None:
    assert (STORE.name, STORE.type, STORE.description) == ("store", Store, "keeps things")
    assert list(STORE.methods) == ["read", "size", "write"]


def test_a_method_that_is_declared_again_counts_as_declared_last() -> None:
    assert STORE.methods["size"].result is bool
    assert describe_service(Reader, "reader", "").methods["size"].result is int


def test_a_method_knows_its_place_function_and_kind() -> None:
    assert WRITE.where == "Store.write"
    assert WRITE.function is Store.write
    assert (WRITE.is_async, STORE.methods["read"].is_async) == (True, False)
    assert (WRITE.idempotent, STORE.methods["read"].idempotent) == (True, False)


def test_parameters_have_resolved_types_with_what_annotated_adds() -> None:
    key, data, tags, ttl = WRITE.parameters
    assert [parameter.name for parameter in WRITE.parameters] == ["key", "data", "tags", "ttl"]
    assert key.annotation.__metadata__[0].metadata[0].min_length == 1
    assert (data.annotation, tags.annotation, ttl.annotation) == (bytes, list[str], int | None)
    assert (key.default, data.default, tags.default, ttl.default) == (NO_DEFAULT, b"", NO_DEFAULT, None)
    assert [parameter.keyword_only for parameter in WRITE.parameters] == [False, False, True, True]
    assert WRITE.result is type(None)


def test_declared_errors_come_from_method_and_service_the_most_specific_first() -> None:
    assert WRITE.raises == (NotThereYet, NotThere, Broken)
    assert STORE.methods["read"].raises == (NotThere, Broken)
    assert describe_service(Reader, "reader", "").methods["read"].raises == (NotThere,)


@pytest.mark.parametrize(
    ("args", "kwargs", "bound"),
    [
        (("k",), {"tags": ["t"]}, ("k", NOT_GIVEN, ["t"])),
        (("k", b"d"), {"tags": [], "ttl": 3}, ("k", b"d", [], 3)),
        (("k",), {"ttl": 3, "tags": [], "data": b"d"}, ("k", b"d", [], 3)),
    ],
)
def test_arguments_are_bound_in_the_order_of_the_parameters(
    args: tuple[Any, ...], kwargs: dict[str, Any], bound: tuple[Any, ...]
) -> None:
    assert WRITE.bind(args, kwargs) == bound


@pytest.mark.parametrize(
    ("args", "kwargs", "message"),
    [
        ((), {"tags": []}, "missing a required (positional-only )?argument: 'key'"),
        (("k",), {}, "missing a required (keyword-only )?argument: 'tags'"),
        (("k", b"", []), {}, r"too many positional arguments; give by name: tags=\.\.\., ttl=\.\.\."),
        (("k", b""), {"data": b"", "tags": []}, "multiple values for argument 'data'"),
        (("k",), {"tags": [], "color": 1}, "got an unexpected keyword argument 'color'"),
    ],
)
def test_wrong_arguments_are_a_type_error_that_names_the_method(
    args: tuple[Any, ...], kwargs: dict[str, Any], message: str
) -> None:
    with pytest.raises(TypeError, match=rf"^Store\.write\(\): {message}$"):
        WRITE.bind(args, kwargs)


def method(interface: type) -> MethodDescriptor:
    return next(iter(describe_service(interface, "x", "").methods.values()))


class Plain(Service):
    @abstractmethod
    def add(self, one: int, other: int = 2, third: int = 3) -> int: ...


@pytest.mark.parametrize(
    ("args", "kwargs", "bound"),
    [((1,), {}, (1,)), ((1, 5, 6), {}, (1, 5, 6)), ((1,), {"third": 7}, (1, NOT_GIVEN, 7)), ((), {"one": 4}, (4,))],
)
def test_defaults_are_left_to_the_implementation(
    args: tuple[Any, ...], kwargs: dict[str, Any], bound: tuple[Any, ...]
) -> None:
    assert method(Plain).bind(args, kwargs) == bound


@pytest.mark.parametrize("args", [(), (1, 2, 3, 4)])
def test_too_few_and_too_many_arguments_are_refused(args: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match=r"^Plain\.add\(\): "):
        method(Plain).bind(args, {})


def hinted(key: str, result: str = "None") -> type:
    """An interface with a method that has these type hints."""

    def find(self: Service, key: Any) -> Any: ...

    find.__annotations__ = {"key": key, "return": result}
    return type("Shop", (Service,), {"find": find})


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (
            "Elsewhere",
            f"the type 'Elsewhere' cannot be found from module '{__name__}'; import it there, outside of "
            "'if TYPE_CHECKING' and of functions, since values are validated by it",
        ),
        ("pytest.Elsewhere", "a type hint is not a type: module 'pytest' has no attribute 'Elsewhere'"),
        ("list[", "a type hint is not a type: Forward reference must be an expression"),
        ("int | len", "a type hint is not a type: unsupported operand type(s) for |: "),
    ],
)
def test_hints_that_cannot_be_resolved_are_refused(hint: str, message: str) -> None:
    for interface in (hinted(hint), hinted("int", hint)):
        with pytest.raises(DeclarationException) as caught:
            describe_service(interface, "shop", "")
        assert str(caught.value).startswith(f"Shop.find: {message}")


@pytest.mark.parametrize(
    ("stream", "is_async"),
    [("Iterator[int]", False), ("AsyncIterator[int]", True), ("Generator[int, None, None]", False)],
)
def test_iterators_and_generators_as_results_are_streams(stream: str, is_async: bool) -> None:
    method = describe_service(hinted("int", f"abc.{stream}"), "shop", "").methods["find"]
    assert method.stream is not None
    assert (method.stream.item, method.is_async) == (int, is_async)


def test_descriptors_are_values_that_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        STORE.name = "other"  # type: ignore[misc]
    with pytest.raises(TypeError):
        STORE.methods["read"] = WRITE  # type: ignore[index]


def test_an_abstract_method_with_a_private_name_is_refused() -> None:
    class Odd(Service):
        @abstractmethod
        def __call__(self, a: int) -> int: ...

    with pytest.raises(DeclarationException, match=r"^Odd\.__call__ is abstract, .* write a method with a public name"):
        check_shape(Odd)
