"""What is refused when a method is planned, before any call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pytest

from service_core.declaring.decorators import raises
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import DeclarationException
from service_core.wire import MethodCodec

if TYPE_CHECKING:
    from decimal import Decimal


class Thing: ...


def method_codec(interface: type) -> MethodCodec:
    service = describe_service(interface, "shop", "")
    component = ComponentDescriptor(name="test", type=object, description="", services=(service,))
    return MethodCodec(component, service, next(iter(service.methods.values())))


def refusal(interface: type) -> str:
    with pytest.raises(DeclarationException) as caught:
        method_codec(interface)
    return str(caught.value)


def taking(annotation: Any, result: Any = None) -> type:
    """An interface ``Shop`` with a method ``order`` that takes a number and such a value."""

    def order(self: Service, number: int, value: Any) -> Any: ...

    order.__annotations__ = {"number": int, "value": annotation, "return": result}
    return type("Shop", (Service,), {"order": order})


# types


def test_a_method_has_a_name_on_the_wire() -> None:
    assert method_codec(taking(int)).name == "test:shop:order"


@pytest.mark.parametrize(
    ("annotation", "reason"),
    [
        (
            Thing,
            f"values of type {Thing!r} cannot be validated; use a type that pydantic knows, such as a dataclass or a "
            f"BaseModel (Unable to generate pydantic-core schema for {Thing!r}.",
        ),
        (
            list[Thing],
            f"values of type {list[Thing]!r} cannot be validated; use a type that pydantic knows",
        ),
        (list[Iterable[int]], "values of type list[collections.abc.Iterable[int]] cannot be sent: iterables"),
        (Callable[[], int], f"values of type {Callable[[], int]!r} cannot be sent: functions do not travel"),
        (type[int], "values of type type[int] cannot be sent: classes do not travel"),
        *(
            (
                annotation,
                f"values of type {annotation!r} cannot be sent: keys of maps are written as text, so they must be "
                f"values of one simple type; use pairs",
            )
            for annotation in (
                dict[tuple[int, int], str],
                dict[frozenset[int], str],
                Mapping[int | str, str],
                Mapping[int | None, str],
                Mapping[Literal[1, 2], str],
            )
        ),
    ],
)
def test_a_type_that_cannot_travel_is_refused_naming_the_parameter(annotation: Any, reason: str) -> None:
    assert refusal(taking(annotation)).startswith(f"Shop.order: parameter 'value': {reason}")
    assert refusal(taking(int, annotation)).startswith(f"Shop.order: result: {reason}")


# defaults


class WrongDefault(Service):
    def order(self, number: int, limit: int = "many") -> None: ...  # type: ignore[assignment]


class NoneByDefault(Service):
    def order(self, *, number: int, limit: int = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013


class Generous(Service):
    def order(self, items: list[int] = [1], times: float = 2) -> None: ...  # noqa: B006


@pytest.mark.parametrize(
    ("interface", "default", "why"),
    [
        (WrongDefault, "'many'", "Input should be a valid integer, unable to parse string as an integer"),
        (NoneByDefault, "None", "Input should be a valid integer"),
    ],
)
def test_a_default_that_does_not_fit_is_refused(interface: type, default: str, why: str) -> None:
    assert refusal(interface) == (
        f"{interface.__name__}.order: parameter 'limit': its default {default} does not fit its type, so it cannot be "
        f"sent ({why}); change the default or the type"
    )


# declared errors


def failing(error: type[Exception]) -> type:
    class Shop(Service):
        @raises(error)
        def order(self) -> None: ...

    return Shop


class Untyped(Exception):
    def __init__(self, number): ...  # type: ignore[no-untyped-def]


class AnyNumber(Exception):
    def __init__(self, *numbers: int) -> None: ...


class ByPosition(Exception):
    def __init__(self, number: int, /) -> None: ...


@pytest.mark.parametrize(
    ("error", "parameter", "name"),
    [
        (Untyped, "number", "number"),
        (AnyNumber, "*numbers: 'int'", "numbers"),
        (ByPosition, "number: 'int'", "number"),
    ],
)
def test_an_error_that_could_not_be_made_again_is_refused(error: type[Exception], parameter: str, name: str) -> None:
    assert refusal(failing(error)) == (
        f"Shop.order: error {error.__name__} cannot be sent, its parameter '{parameter}' is not one that has a type "
        f"and can be given by name; write '{name}: <type>' and keep it in an attribute of that name"
    )


class NotHere(Exception):
    def __init__(self, amount: Decimal) -> None: ...


@dataclass
class NotHereEither(Exception):
    amount: Decimal


@pytest.mark.parametrize("error", [NotHere, NotHereEither])
def test_an_error_whose_types_cannot_be_found_is_refused(error: type[Exception]) -> None:
    assert refusal(failing(error)) == (
        f"Shop.order: error {error.__name__} cannot be sent, a type hint of its fields is not a type that can be found "
        f"from module '{__name__}': name 'Decimal' is not defined"
    )


@dataclass
class WithThing(Exception):
    thing: Thing


def test_an_error_with_a_field_that_cannot_travel_is_refused() -> None:
    assert refusal(failing(WithThing)).startswith("Shop.order: error WithThing: values of type ")


def test_two_errors_of_one_name_are_refused() -> None:
    class Shop(Service):
        @raises(LookupError, type("LookupError", (Exception,), {}))
        def order(self) -> None: ...

    assert refusal(Shop) == ("Shop.order: two errors of @raises are named LookupError; rename one, they travel by name")
