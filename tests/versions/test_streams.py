"""Two versions of the items of a stream: fields that one of them has more, in results and in arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import pytest

from service_core import (
    ContractMismatchException,
    ErrorCode,
    RemoteServiceException,
    ServiceManager,
    StaticComponentRegistry,
)
from tests.versions.catalogs import CHANNELS
from tests.versions.new import interface as new
from tests.versions.old import interface as old

pytestmark = pytest.mark.slow  # servers of two versions, every change over every channel

CALLERS = {"old": old, "new": new}
OVER = pytest.mark.parametrize("channel", CHANNELS)


@contextmanager
def feed_of(caller: ModuleType, channel: str, url: str) -> Iterator[Any]:
    registry = StaticComponentRegistry({"shop-component": {channel: url}})
    with ServiceManager(registry, catalog=caller.CATALOG) as manager:
        yield manager.get_service(caller.Feed, channel)


@OVER
@pytest.mark.parametrize(
    ("caller", "server", "method", "items"),
    [
        ("old", "new", "wider", [old.Wider(number=number) for number in range(3)]),
        ("new", "old", "wider", [new.Wider(number=number, size=5) for number in range(3)]),
        ("old", "new", "narrower", [old.Narrower(number=number, size=5) for number in range(3)]),
        ("new", "old", "narrower", [new.Narrower(number=number) for number in range(3)]),
        ("old", "new", "stricter", [old.Stricter(number=number) for number in range(3)]),
    ],
)
def test_items_that_the_caller_can_read_are_its_own(
    urls: dict[str, str], channel: str, caller: str, server: str, method: str, items: list[Any]
) -> None:
    with feed_of(CALLERS[caller], channel, urls[server]) as feed:
        assert list(getattr(feed, method)()) == items


@OVER
def test_an_item_without_a_field_that_the_caller_needs_is_a_mismatch(urls: dict[str, str], channel: str) -> None:
    with feed_of(new, channel, urls["old"]) as feed, pytest.raises(ContractMismatchException, match="size") as raised:
        list(feed.stricter())
    assert raised.value.may_have_run


@OVER
@pytest.mark.parametrize(
    ("caller", "server", "items", "received"),
    [
        ("old", "new", lambda: [old.Wider(number=3)], "Wider(number=3, size=5)"),
        ("new", "old", lambda: [new.Wider(number=3)], "Wider(number=3)"),
    ],
)
def test_an_argument_whose_items_say_the_same_in_both_versions_arrives(
    urls: dict[str, str], channel: str, caller: str, server: str, items: Callable[[], list[Any]], received: str
) -> None:
    with feed_of(CALLERS[caller], channel, urls[server]) as feed:
        assert feed.add_wider(iter(items())) == [received]


@OVER
@pytest.mark.parametrize(
    ("caller", "server", "method", "items"),
    [
        ("new", "old", "add_wider", lambda: [new.Wider(number=3, size=6)]),
        ("old", "new", "add_stricter", lambda: [old.Stricter(number=3)]),
    ],
    ids=["a field that would be lost", "without a field that the server needs"],
)
def test_an_item_that_the_server_cannot_take_ends_the_call_with_its_field(
    urls: dict[str, str], channel: str, caller: str, server: str, method: str, items: Callable[[], list[Any]]
) -> None:
    with (
        feed_of(CALLERS[caller], channel, urls[server]) as feed,
        pytest.raises(RemoteServiceException, match="size") as raised,
    ):
        getattr(feed, method)(iter(items()))
    assert raised.value.code is ErrorCode.INVALID_ARGUMENT
