"""Calls over the rest channel of a service that is offered over all channels at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service_core import ArgumentException, ServiceManager
from tests.integration.rest.gallery import CHANNELS, Frame, Gallery, NotHanging, Painting, Style

over_sockets = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TITLES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
PAINTING = Painting(title="Sunflowers", pixels=b"\xff\x00", sketches=[Painting(title="a")])


@pytest.fixture
def gallery(manager: ServiceManager) -> Gallery:
    return manager.get_service(Gallery, "rest")


def test_every_verb_carries_its_arguments(gallery: Gallery) -> None:
    assert gallery.painting("Sunflowers").pixels == b"\xff\x00"
    assert gallery.hang(PAINTING) == PAINTING
    assert gallery.reframe("a", Frame(1.5, 2), "v1") == "a 1.5x2.0 v1"
    assert gallery.retitle("a", "b") == "a b"
    gallery.take_down("a")


def test_every_verb_carries_its_arguments_for_async_callers(gallery: Gallery) -> None:
    async def calls() -> list[Any]:
        return [
            (await gallery.painting_async("Sunflowers")).pixels,
            await gallery.hang_async(PAINTING),
            await gallery.reframe_async("a", Frame(1.5, 2), "v1"),
            await gallery.retitle_async("a", "b"),
        ]

    assert asyncio.run(calls()) == [b"\xff\x00", PAINTING, "a 1.5x2.0 v1", "a b"]
    asyncio.run(gallery.take_down_async("a"))


def test_a_query_carries_lists_enums_dates_and_ids(gallery: Gallery) -> None:
    found = gallery.find(
        styles=[Style.OIL, Style.INK], since=datetime(2026, 1, 2, tzinfo=UTC), ids=[UUID(int=1), UUID(int=2)], limit=3
    )
    assert found == {"styles": ["OIL", "INK"], "since": "2026-01-02 00:00:00+00:00", "ids": 2, "limit": 3}
    assert gallery.find() == {"styles": [], "since": "None", "ids": 0, "limit": 10}


@over_sockets
@given(title=TITLES)
def test_no_argument_reaches_another_method(gallery: Gallery, title: str) -> None:
    try:
        painting = gallery.painting(title)
    except ArgumentException:
        assert title in (".", "..", "latest") or "/" in title
    except NotHanging:
        assert title == "nothing"
    else:
        assert painting.title == title


@over_sockets
@given(title=TITLES, wall=st.integers())
def test_no_argument_changes_another_one(gallery: Gallery, title: str, wall: int) -> None:
    try:
        assert gallery.place(title, wall) == f"place {title} {wall}"
    except ArgumentException:
        assert title in (".", "..")


@pytest.mark.parametrize("title", ["a/on/1", "latest"])
def test_an_argument_that_means_another_method_is_refused(gallery: Gallery, title: str) -> None:
    with pytest.raises(ArgumentException, match="the path of these arguments belongs to Gallery"):
        gallery.painting(title)


@pytest.mark.parametrize("title", ["a/b", "über/uns", "%2F", "?a=b#c", "a b", "a+b", ";", "docs/examples/client.py"])
def test_arguments_may_hold_what_has_a_meaning_in_urls(gallery: Gallery, title: str) -> None:
    assert gallery.painting(title).title == title


@pytest.mark.parametrize("channel", CHANNELS)
def test_the_preferred_channel_is_used(manager: ServiceManager, channel: str) -> None:
    gallery = manager.get_service(Gallery, channel)
    assert gallery.latest() == "latest"
    assert repr(gallery) == f"<proxy of Gallery over gallery-component over {channel}>"
