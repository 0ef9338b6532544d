"""NDJSON and Server-Sent Events: items in, bytes out, and back, however the bytes are cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core import ArgumentException, ErrorCode
from service_core.rest.streams.formats import (
    EVENT_STREAM,
    NDJSON,
    EventReader,
    EventWriter,
    LineReader,
    LineWriter,
    StreamEnd,
    form_writer,
)
from service_core.wire import MalformedData, WireError, WireType

TEXT = WireType(str, "item")
SIZES = st.lists(st.integers(1, 40), min_size=1)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    parts, turn = [], 0
    while data:
        size = sizes[turn % len(sizes)]
        parts.append(data[:size])
        data, turn = data[size:], turn + 1
    return parts


@given(st.lists(st.text(max_size=50)), SIZES)
def test_lines_arrive_as_they_were_written(items: list[str], sizes: list[int]) -> None:
    reader, writer = LineReader(1000), LineWriter(TEXT)
    data = writer.idle + writer.write_items(items) + writer.idle + writer.end
    lines = [line for part in cut(data, sizes) for line in reader.feed(part)] + reader.end()
    assert [TEXT.from_json(line) for line in lines] == items


@given(st.lists(st.text(max_size=50)), SIZES)
def test_events_arrive_as_they_were_written(items: list[str], sizes: list[int]) -> None:
    reader, writer = EventReader(1000), EventWriter(TEXT)
    data = writer.idle + writer.write_items(items) + writer.idle + writer.end
    *events, last = [event for part in cut(data, sizes) for event in reader.feed(part)]
    assert [TEXT.from_json(event) for event in events if isinstance(event, bytes)] == items
    assert isinstance(last, StreamEnd)
    assert last.problem is None


def test_the_last_line_may_lack_its_line_feed() -> None:
    reader = LineReader(1000)
    assert reader.feed(b'"a"\r\n"b"') == [b'"a"']
    assert reader.end() == [b'"b"']


def test_events_of_other_servers_are_read_by_the_standard() -> None:
    came = EventReader(1000).feed(
        b"retry: 5\r\nid: 7\r\nevent: delta\r\ndata:[1,\r\ndata: 2]\r\n\r\nevent: ping\n\n: x\n\n"
    )
    assert came == [b"[1,\n2]"]


@pytest.mark.parametrize("reader", [LineReader, EventReader])
def test_what_exceeds_the_limit_is_refused_before_it_is_complete(reader: Any) -> None:
    limited = reader(100)
    assert limited.feed(b"data: " + b"x" * 60) == []
    with pytest.raises(MalformedData, match="more than 100 bytes"):
        limited.feed(b"x" * 60)


def test_data_of_many_lines_counts_as_a_whole() -> None:
    with pytest.raises(MalformedData, match="an event has more than 100 bytes"):
        EventReader(100).feed(b"data: " + b"x" * 60 + b"\ndata: " + b"x" * 60 + b"\n")


def test_a_failure_is_written_as_problem_details() -> None:
    error = WireError(type="NoSuchRoom", code=ErrorCode.NOT_FOUND)
    assert LineWriter(TEXT).write_failure(error).startswith(b'{"$problem":{"type":')
    assert EventWriter(TEXT).write_failure(error).startswith(b'event: problem\ndata: {"type":')


def test_an_item_that_looks_like_a_problem_is_refused() -> None:
    with pytest.raises(ArgumentException, match=r"no item may begin with the member '\$problem'"):
        LineWriter(WireType(dict[str, int], "item")).write_items([{"$problem": 1}])


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", NDJSON),
        ("*/*", NDJSON),
        ("text/event-stream", EVENT_STREAM),
        ("text/*", EVENT_STREAM),
        ("application/*;q=0.5, text/event-stream;q=0.9", EVENT_STREAM),
        ("application/x-ndjson;q=0.2, */*;q=0.1", NDJSON),
        ("Text/Event-Stream ; q=1.0, application/x-ndjson; q=0.9", EVENT_STREAM),
        ("application/json", None),
        ("application/x-ndjson;q=0", None),
        ("application/x-ndjson;q=much", None),
        ("*/*, application/x-ndjson;q=0", EVENT_STREAM),
    ],
)
def test_the_form_is_the_one_that_is_accepted(accept: str, expected: str | None) -> None:
    writer = form_writer(accept, TEXT)
    assert (writer and writer.content_type) == expected
