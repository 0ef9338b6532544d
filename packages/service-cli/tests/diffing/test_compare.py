"""Twenty and more changes of an interface, and what each does to callers of both versions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel

from service_cli.diffing import Callers, Change, Verdict, compare
from service_core import Catalog, ChannelAddress, Component, Service, allow_anonymous, component, idempotent, raises
from service_core import service as declare_service
from service_core.describing import Description, describe
from service_core.rest import post

WORKS, REFUSED, UNREADABLE = Verdict.WORKS, Verdict.REFUSED, Verdict.UNREADABLE
OTHER = Verdict.OTHER_ERROR


def described(*functions: Callable[..., Any], channels: tuple[str, ...] = ()) -> Description:
    """The description of a service with these methods."""
    catalog = Catalog()
    members = {function.__name__: abstractmethod(function) for function in functions}
    interface = type("Orders", (Service,), {**members, "__module__": __name__})
    declare_service(name="orders", catalog=catalog)(interface)

    class Shop(Component): ...

    component(name="shop", services=[interface], catalog=catalog)(Shop)
    descriptor = catalog.component(Shop)
    addresses = [ChannelAddress(channel, "http://127.0.0.1:1") for channel in channels]
    return describe([(descriptor, descriptor.services[0])], {"shop": addresses})


def find(code: str, *decorators: Callable[[Any], Any]) -> Callable[..., Any]:
    """A method of that signature, as ``(text: str) -> int``."""
    namespace: dict[str, Any] = dict(globals())
    exec(f"def find(self{', ' if not code.startswith('()') else ''}{code[1:]}: ...", namespace)
    function: Callable[..., Any] = namespace["find"]
    for decorator in decorators:
        function = decorator(function)
    return function


class Old(BaseModel):
    number: int


class NewRequired(BaseModel):
    number: int
    title: str


class NewOptional(BaseModel):
    number: int
    title: str = ""


class Colour(Enum):
    RED = "red"


class MoreColours(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass
class NotFound(Exception):
    number: int


@dataclass
class Renamed(Exception):
    count: int


Renamed.__name__ = "NotFound"

CHANGES: list[tuple[str, Any, Any, str, dict[str, Verdict]]] = [
    # name, old, new, kind, verdicts of old and new callers over dispatch and rest
    ("required parameter added", "(a: int) -> int", "(a: int, b: int) -> int", "required-parameter-added",
     {"old": REFUSED, "new": REFUSED}),
    ("optional parameter added", "(a: int) -> int", "(a: int, b: int = 1) -> int", "optional-parameter-added",
     {"old": WORKS, "new": REFUSED}),
    ("required parameter removed", "(a: int, b: int) -> int", "(a: int) -> int", "required-parameter-removed",
     {"old": REFUSED, "new": REFUSED}),
    ("optional parameter removed", "(a: int, b: int = 1) -> int", "(a: int) -> int", "optional-parameter-removed",
     {"old": REFUSED, "new": WORKS}),
    ("parameter renamed", "(a: int) -> int", "(b: int) -> int", "parameter-renamed", {"old": REFUSED, "new": REFUSED}),
    ("parameters reordered", "(a: int, b: str) -> int", "(b: str, a: int) -> int", "parameters-reordered",
     {"old": WORKS, "new": WORKS}),
    ("default added", "(a: int) -> int", "(a: int = 1) -> int", "parameter-made-optional",
     {"old": WORKS, "new": REFUSED}),
    ("default removed", "(a: int = 1) -> int", "(a: int) -> int", "parameter-made-required",
     {"old": REFUSED, "new": WORKS}),
    ("default changed", "(a: int = 1) -> int", "(a: int = 2) -> int", "default-changed", {"old": WORKS, "new": WORKS}),
    ("parameter of another type", "(a: int) -> int", "(a: bool) -> int", "parameter-type-changed",
     {"old": REFUSED, "new": REFUSED}),
    ("parameter widened", "(a: int) -> int", "(a: int | None) -> int", "parameter-type-changed", {"new": REFUSED}),
    ("enum member added to a parameter", "(a: Colour) -> int", "(a: MoreColours) -> int", "parameter-type-changed",
     {"new": REFUSED}),
    ("required field added to a parameter", "(a: Old) -> int", "(a: NewRequired) -> int", "parameter-type-changed",
     {"old": REFUSED, "new": REFUSED}),
    ("optional field added to a parameter", "(a: Old) -> int", "(a: NewOptional) -> int", "parameter-type-changed",
     {"new": REFUSED}),
    ("field removed from a parameter", "(a: NewOptional) -> int", "(a: Old) -> int", "parameter-type-changed",
     {"old": REFUSED}),
    ("result of another type", "() -> int", "() -> bool", "result-type-changed",
     {"old": UNREADABLE, "new": UNREADABLE}),
    ("result widened", "() -> int", "() -> int | None", "result-type-changed", {"old": UNREADABLE}),
    ("enum member added to a result", "() -> Colour", "() -> MoreColours", "result-type-changed", {"old": UNREADABLE}),
    ("field added to a result", "() -> Old", "() -> NewRequired", "result-type-changed",
     {"old": WORKS, "new": UNREADABLE}),
    ("field removed from a result", "() -> NewRequired", "() -> Old", "result-type-changed",
     {"old": UNREADABLE, "new": WORKS}),
]  # fmt: skip


def only(changes: list[Change], kind: str) -> Change:
    (found,) = [change for change in changes if change.kind == kind]
    return found


def verdicts(change: Change) -> dict[str, Verdict]:
    """The verdicts as in the table: what holds for both kinds of channels stands there once."""
    found: dict[str, Verdict] = {}
    for callers, name in ((Callers.OLD, "old"), (Callers.NEW, "new")):
        for one in change.effects:
            if one.callers is callers:
                for channel in one.channels:
                    found.setdefault(f"{name} {channel}", one.verdict)
        if f"{name} dispatch" in found:
            found[name] = found.pop(f"{name} dispatch")
        if found.get(f"{name} rest") == found.get(name):
            found.pop(f"{name} rest", None)
    return found


@pytest.mark.parametrize(
    ("old", "new", "kind", "expected"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES]
)
def test_a_change_of_a_signature_has_a_verdict_for_each_side(
    old: str, new: str, kind: str, expected: dict[str, Verdict]
) -> None:
    changes = compare(described(find(old)), described(find(new)))

    assert verdicts(only(changes, kind)) == expected
    assert [change.kind for change in changes] == [kind]


@pytest.mark.parametrize("row", CHANGES, ids=[row[0] for row in CHANGES])
def test_a_change_back_has_the_verdicts_of_the_other_side(row: Any) -> None:
    _, old, new, _, _ = row
    one, other = described(find(old)), described(find(new))
    there, back = compare(one, other)[0], compare(other, one)[0]

    swap = {"old": "new", "new": "old", "old rest": "new rest", "new rest": "old rest"}
    assert verdicts(back) == {swap[side]: verdict for side, verdict in verdicts(there).items()}


def test_equal_versions_have_no_changes() -> None:
    version = described(find("(a: Old, b: int = 1) -> NewOptional", raises(NotFound), idempotent, post("/{b}")))

    assert compare(version, version) == []


@pytest.mark.parametrize(
    ("old", "new", "kind", "verdict", "callers", "breaks"),
    [
        ([], [raises(NotFound)], "error-added", OTHER, Callers.OLD, False),
        ([raises(NotFound)], [], "error-removed", OTHER, Callers.NEW, False),
        ([raises(NotFound)], [raises(Renamed)], "error-fields-changed", OTHER, Callers.OLD, True),
        ([idempotent], [], "idempotence-removed", Verdict.MAY_REPEAT, Callers.OLD, True),
        ([], [idempotent], "idempotence-added", Verdict.MAY_REPEAT, Callers.NEW, False),
        ([allow_anonymous], [], "token-required", REFUSED, Callers.OLD, True),
        ([post("/a")], [post("/b")], "route-changed", REFUSED, Callers.OLD, True),
        ([post("/a")], [], "route-removed", REFUSED, Callers.OLD, True),
        ([], [post("/a")], "route-added", REFUSED, Callers.NEW, False),
        ([post("/a")], [post("/a", status=201)], "status-changed", WORKS, Callers.OLD, False),
    ],
)
def test_a_change_of_what_a_method_promises_has_a_verdict(
    old: list[Any], new: list[Any], kind: str, verdict: Verdict, callers: Callers, breaks: bool
) -> None:
    changes = compare(described(find("() -> int", *old)), described(find("() -> int", *new)))

    effect = next(one for one in only(changes, kind).effects if one.callers is callers)
    assert (effect.verdict, effect.breaks) == (verdict, breaks)


def other(self: Any) -> str:
    raise NotImplementedError


def test_a_removed_method_breaks_old_callers_and_an_added_one_none() -> None:
    both, alone = described(find("() -> int"), other), described(find("() -> int"))

    (removed,), (added,) = compare(both, alone), compare(alone, both)
    assert (removed.id, removed.breaks) == ("orders.other:method-removed", True)
    assert (added.id, added.breaks) == ("orders.other:method-added", False)


def test_a_method_that_looks_renamed_is_named() -> None:
    def search(self: Any, text: str) -> int:
        raise NotImplementedError

    changes = compare(described(find("(text: str) -> int")), described(search))

    assert "looks renamed to 'search'" in only(changes, "method-removed").effects[0].sentence


def test_a_removed_channel_breaks_callers_only_if_none_is_left() -> None:
    both = described(other, channels=("rest", "dispatch-json"))

    (change,) = compare(both, described(other, channels=("rest",)))
    assert (change.id, change.breaks) == ("shop:channel-removed:dispatch-json", False)
    moved = compare(described(other, channels=("dispatch-json",)), described(other, channels=("rest",)))
    assert [(one.kind, one.breaks) for one in moved] == [("channel-removed", True), ("channel-added", False)]


def test_a_removed_component_breaks_old_callers() -> None:
    (change,) = compare(described(other), Description())

    assert (change.id, change.breaks) == ("shop:component-removed", True)


def test_what_breaks_comes_first() -> None:
    changes = compare(described(find("(a: int, b: int) -> int")), described(find("(b: int, a: int, c: int) -> int")))

    assert [change.breaks for change in changes] == [True, False]
