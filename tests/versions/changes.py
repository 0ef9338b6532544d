"""The kinds of change, and what callers of each version do: what they give, and which answers mean just that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.versions.new import interface as new
from tests.versions.old import interface as old

__all__ = ["CHANGES", "Case", "Change"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call of one version's caller."""

    method: str
    kwargs: dict[str, Any]
    answers: Sequence[Any]
    """The right ones; of a list of texts the arguments that have to be among them."""
    service: str = "Shop"
    component: str = "shop-component"
    preferred_only_at: str = ""
    """The version whose servers alone offer the channel under test, which the caller prefers."""

    def is_right(self, answer: Any) -> bool:
        """Whether the answer is what the caller means by the call."""
        return any(
            set(right) <= set(answer) if isinstance(right, list) and isinstance(answer, list) else answer == right
            for right in self.answers
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One kind of change: what an old and a new caller do; None where that version has no such call."""

    name: str
    old: Case | None
    new: Case | None


def _given(method: str, **kwargs: Any) -> Case:
    return Case(method=method, kwargs=kwargs, answers=[[f"{name}={value}" for name, value in kwargs.items()]])


def _sent(method: str, item: Any) -> Case:
    """A call with a model; of its fields those that were given have to arrive."""
    answers = [[f"{k}={v}" for k, v in item.model_dump(exclude_unset=True).items()]]
    return Case(method=method, kwargs={"item": item}, answers=answers)


def _returned(method: str, *answers: Any) -> Case:
    return Case(method=method, kwargs={}, answers=answers)


def _counted(service: str, component: str = "shop-component") -> Case:
    return Case(method="count", kwargs={}, answers=[3], service=service, component=component)


def _preferring(version: str) -> Case:
    return Case(method="reordered", kwargs={"payer": "a", "payee": "b"}, answers=[[]], preferred_only_at=version)


CHANGES = [
    Change(
        name="optional parameter added, not given",
        old=_given("optional_added", number=3),
        new=_given("optional_added", number=3),
    ),
    Change(name="optional parameter added, given", old=None, new=_given("optional_added", number=3, deep=1)),
    Change(
        name="needed parameter added",
        old=_given("required_added", number=3),
        new=_given("required_added", number=3, size=2),
    ),
    Change(
        name="optional parameter removed, not given",
        old=_given("optional_removed", number=3),
        new=_given("optional_removed", number=3),
    ),
    Change(name="optional parameter removed, given", old=_given("optional_removed", number=3, deep=1), new=None),
    Change(
        name="needed parameter removed",
        old=_given("required_removed", number=3, size=2),
        new=_given("required_removed", number=3),
    ),
    Change(name="parameter renamed", old=_given("renamed", number=3), new=_given("renamed", count=3)),
    Change(
        name="parameters reordered",
        old=_given("reordered", payer="ann", payee="bob"),
        new=_given("reordered", payer="ann", payee="bob"),
    ),
    Change(
        name="parameter made optional, not given",
        old=_given("made_optional", number=3, size=2),
        new=_given("made_optional", number=3),
    ),
    Change(
        name="default changed, not given (the server's default counts)",
        old=_given("default_changed", number=3),
        new=_given("default_changed", number=3),
    ),
    Change(
        name="type of a parameter changed (int, str)",
        old=_given("type_changed", number=3),
        new=_given("type_changed", number="three"),
    ),
    Change(
        name="optional field of a parameter added, at its default",
        old=_sent("field_added", old.Wider(number=3)),
        new=_sent("field_added", new.Wider(number=3)),
    ),
    Change(
        name="optional field of a parameter added, with another value",
        old=None,
        new=_sent("field_added", new.Wider(number=3, size=6)),
    ),
    Change(
        name="needed field of a parameter added",
        old=_sent("required_field_added", old.Stricter(number=3)),
        new=_sent("required_field_added", new.Stricter(number=3, size=6)),
    ),
    Change(
        name="optional field of a parameter removed, at its default",
        old=_sent("field_removed", old.Narrower(number=3)),
        new=_sent("field_removed", new.Narrower(number=3)),
    ),
    Change(
        name="optional field of a parameter removed, with another value",
        old=_sent("field_removed", old.Narrower(number=3, size=6)),
        new=None,
    ),
    Change(
        name="optional field of a result added",
        old=_returned("field_returned", old.Wider(number=3)),
        new=_returned("field_returned", new.Wider(number=3), new.Wider(number=3, size=6)),
    ),
    Change(
        name="needed field of a result added",
        old=_returned("required_field_returned", old.Stricter(number=3)),
        new=_returned("required_field_returned", new.Stricter(number=3, size=6)),
    ),
    Change(
        name="enum member added, given",
        old=Case(method="member_given", kwargs={"color": old.Color.RED}, answers=[["color=red"]]),
        new=Case(method="member_given", kwargs={"color": new.Color.GREEN}, answers=[["color=green"]]),
    ),
    Change(
        name="enum member added, returned",
        old=_returned("member_returned", old.Color.RED),
        new=_returned("member_returned", new.Color.RED, new.Color.GREEN),
    ),
    Change(name="method added", old=None, new=_given("method_added", number=3)),
    Change(name="method removed", old=_given("method_removed", number=3), new=None),
    Change(name="service added", old=None, new=_counted("Catalogue")),
    Change(name="service removed", old=_counted("Archive"), new=None),
    Change(name="component added", old=None, new=_counted("Stock", "stock-component")),
    Change(name="component removed", old=_counted("Ledger", "ledger-component"), new=None),
    Change(name="channel added, preferred", old=None, new=_preferring("new")),
    Change(name="channel removed, preferred", old=_preferring("old"), new=None),
]
