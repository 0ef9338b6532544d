"""The forms of streams in plain HTTP: NDJSON and Server-Sent Events. Bytes and items, no sockets.

NDJSON (``application/x-ndjson``) has one item per line. A stream that fails ends with the line ``{"$problem": ...}``,
which holds problem details; no item may look like it. Empty lines say nothing.

Server-Sent Events (``text/event-stream``, HTML Living Standard, section 9.2) have one item per event. The stream ends
with an event of type ``end``, or of type ``problem`` if it fails. Comments say nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Final

from service_core.errors import ArgumentException
from service_core.rest.problem import Problem
from service_core.wire import MalformedData, WireError, WireType

NDJSON: Final = "application/x-ndjson"
EVENT_STREAM: Final = "text/event-stream"

_PROBLEM: Final = b'{"$problem":'


class _Writer(ABC):
    """Writes a stream in one of the forms; see :class:`service_core.wire.streams.StreamWriter`."""

    has_status = True
    content_type: str
    idle: bytes
    end: bytes

    def __init__(self, item: WireType) -> None:
        self._item = item

    @abstractmethod
    def write_items(self, items: list[Any]) -> bytes:
        """Items as bytes. Raises ArgumentException if one does not fit its type."""

    @abstractmethod
    def write_failure(self, error: WireError) -> bytes:
        """The end of a stream that has failed."""


class LineWriter(_Writer):
    """Writes NDJSON."""

    content_type = NDJSON
    idle = b"\n"
    end = b""

    def write_items(self, items: list[Any]) -> bytes:
        """One line for each."""
        lines = [*map(self._item.to_json, items), b""]
        if any(line.startswith(_PROBLEM) for line in lines):
            raise ArgumentException(f"{self._item.where}: no item may begin with the member '$problem', which is kept")
        return b"\n".join(lines)

    def write_failure(self, error: WireError) -> bytes:
        """A line with problem details."""
        return b"%b%b}\n" % (_PROBLEM, Problem.of(error, executed=True).to_json())


class EventWriter(_Writer):
    """Writes Server-Sent Events."""

    content_type = EVENT_STREAM
    idle = b":\n\n"
    end = b"event: end\ndata:\n\n"

    def write_items(self, items: list[Any]) -> bytes:
        """One event for each."""
        return b"".join(b"data: %b\n\n" % one for one in map(self._item.to_json, items))

    def write_failure(self, error: WireError) -> bytes:
        """An event with problem details."""
        return b"event: problem\ndata: %b\n\n" % Problem.of(error, executed=True).to_json()


def form_writer(accept: str, item: WireType) -> _Writer | None:
    """The writer of the form that an ``Accept`` header prefers, NDJSON where both are alike; None for neither."""
    weights = [(_weight(accept, writer.content_type), writer) for writer in (LineWriter, EventWriter)]
    weight, writer = max(weights, key=lambda one: one[0])  # the first one of those that are alike
    return writer(item) if weight > 0 else None


def _weight(accept: str, media_type: str) -> float:
    """How much a header wants a media type (RFC 9110, section 12.5.1): the weight of its most exact range."""
    ranges = {"*/*": 0, f"{media_type.partition('/')[0]}/*": 1, media_type: 2}
    found: list[tuple[int, float]] = []
    for one in (accept or "*/*").split(","):
        kind, *parameters = (part.strip().lower() for part in one.split(";"))
        if kind in ranges:
            found.append((ranges[kind], _quality(parameters)))
    return max(found)[1] if found else 0.0


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


class _Lines:
    """Cuts bytes into lines as they come, in linear time."""

    __slots__ = ("_max_bytes", "_rest", "_size")

    def __init__(self, max_bytes: int) -> None:
        self._rest: list[bytes] = []
        self._size = 0
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> list[bytes]:
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._rest, lines[0]))
            self._rest, self._size = [], 0
        self._rest.append(rest)
        self._size += len(rest)
        if max(self._size, *map(len, lines), 0) > self._max_bytes:
            raise MalformedData(f"a line has more than {self._max_bytes} bytes")
        return lines

    def end(self) -> bytes:
        """What follows the last line feed."""
        rest, self._rest = b"".join(self._rest), []
        return rest


class LineReader:
    """Takes the bytes of a body as they come and gives the lines that are complete, without empty ones."""

    __slots__ = ("_lines",)

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` limits a line."""
        self._lines = _Lines(max_bytes)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that end in ``data``. Raises MalformedData for one over the limit."""
        return [line for line in map(bytes.strip, self._lines.feed(data)) if line]

    def end(self) -> list[bytes]:
        """The last line, if it does not end with a line feed."""
        rest = self._lines.end().strip()
        return [rest] if rest else []


class StreamEnd:
    """The end of a stream as one of its lines or events says it, with the problem details of a failure."""

    __slots__ = ("problem",)

    def __init__(self, problem: bytes | None = None) -> None:
        self.problem = problem


def problem_in_line(line: bytes) -> bytes | StreamEnd:
    """An item of NDJSON, or the end that the line says."""
    return StreamEnd(line[len(_PROBLEM) : -1]) if line.startswith(_PROBLEM) else line


class EventReader:
    """As :class:`LineReader`, for the data of events."""

    __slots__ = ("_data", "_lines", "_max_bytes", "_size", "_type")

    def __init__(self, max_bytes: int) -> None:
        """``max_bytes`` limits the data of an event."""
        self._lines = _Lines(max_bytes)
        self._max_bytes = max_bytes
        self._data: list[bytes] = []
        self._size = 0
        self._type = b""

    def feed(self, data: bytes) -> list[bytes | StreamEnd]:
        """What the events that end in ``data`` say. Raises MalformedData for one over the limit.

        Events of other types than ``end`` and ``problem`` hold items. Those without data are skipped.
        """
        lines = self._lines.feed(data)
        return [event for line in lines if (event := self._line(line.removesuffix(b"\r"))) is not None]

    def end(self) -> list[bytes | StreamEnd]:
        """Nothing: an event that is not complete is dropped, as the standard has it."""
        return []

    def _line(self, line: bytes) -> bytes | StreamEnd | None:
        if not line:
            return self._event()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value)
            if self._size > self._max_bytes:
                raise MalformedData(f"an event has more than {self._max_bytes} bytes")
        elif name == b"event":
            self._type = value
        return None

    def _event(self) -> bytes | StreamEnd | None:
        data, kind = b"\n".join(self._data), self._type
        has_data, self._data, self._size, self._type = bool(self._data), [], 0, b""
        if not has_data:
            return None
        if kind == b"end":
            return StreamEnd()
        return StreamEnd(data) if kind == b"problem" else data
