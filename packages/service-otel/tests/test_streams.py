"""Spans of streams: they last as long as the stream, at both ends, whatever ends it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any, cast

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from service_core import Catalog, Component, Service, ServiceManager, component, service
from service_core.testing import in_memory

if TYPE_CHECKING:
    from conftest import Telemetry

CATALOG = Catalog()


@service(name="feed", catalog=CATALOG)
class Feed(Service):
    @abstractmethod
    def watch(self, count: int) -> AsyncIterator[str]: ...

    @abstractmethod
    def lines(self, count: int) -> Iterator[str]: ...


@component(name="feeds", services=[Feed], catalog=CATALOG)
class Feeds(Component): ...


class FeedImpl(Feed):
    """Yields the name of the span that is current in the generator; a negative count fails."""

    async def watch(self, count: int) -> AsyncIterator[str]:
        for _ in range(abs(count)):
            yield current()
        if count < 0:
            raise ValueError

    def lines(self, count: int) -> Iterator[str]:
        for _ in range(abs(count)):
            yield current()
        if count < 0:
            raise ValueError


def current() -> str:
    return str(cast(Any, trace.get_current_span()).name)


@pytest.fixture
def feed() -> Iterator[Feed]:
    with in_memory(FeedImpl(), catalog=CATALOG) as manager:
        assert isinstance(manager, ServiceManager)
        yield manager.get_service(Feed)


def ended(telemetry: Telemetry) -> dict[str, Any]:
    """The ended spans by kind, of one trace."""
    spans = telemetry.spans()
    assert len({span.context.trace_id for span in spans}) == 1
    return {span.kind.name: span for span in spans}


async def test_both_spans_last_as_long_as_an_async_stream(telemetry: Telemetry, feed: Feed) -> None:
    with trace.use_span(trace.NonRecordingSpan(trace.INVALID_SPAN_CONTEXT)):
        names = []
        async for name in feed.watch(3):
            names.append(name)
            assert "CLIENT" not in {span.kind.name for span in telemetry.spans()}
    assert names == ["feed/watch"] * 3
    spans = ended(telemetry)
    assert spans["SERVER"].parent.span_id == spans["CLIENT"].context.span_id
    assert spans["CLIENT"].start_time <= spans["SERVER"].start_time


def test_both_spans_last_as_long_as_a_sync_stream(telemetry: Telemetry, feed: Feed) -> None:
    for name in feed.lines(3):
        assert name == "feed/lines"
        assert "CLIENT" not in {span.kind.name for span in telemetry.spans()}
    assert {*ended(telemetry)} == {"CLIENT", "SERVER"}


def test_what_the_caller_does_between_two_items_is_not_part_of_the_stream(telemetry: Telemetry, feed: Feed) -> None:
    outside = trace.get_current_span()
    for _ in feed.lines(2):
        assert trace.get_current_span() is outside
    assert trace.get_current_span() is outside


async def test_a_caller_that_leaves_has_not_failed(telemetry: Telemetry, feed: Feed) -> None:
    async with aclosing(cast(Any, feed.watch(100_000))) as items:
        await anext(items)
    with closing(cast(Any, feed.lines(100_000))) as lines:
        next(lines)
    spans = telemetry.spans()
    assert sorted(span.kind.name for span in spans) == ["CLIENT", "CLIENT", "SERVER", "SERVER"]
    assert {span.status.status_code for span in spans} == {StatusCode.UNSET}
    assert all("error.type" not in span.attributes for span in spans)


def test_a_stream_that_fails_in_the_middle_is_an_error_at_both_ends(telemetry: Telemetry, feed: Feed) -> None:
    with pytest.raises(Exception, match="failed"):
        list(feed.lines(-2))
    assert {span.status.status_code for span in ended(telemetry).values()} == {StatusCode.ERROR}
