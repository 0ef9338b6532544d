"""The items of a stream in plain HTTP, as its client reads them."""

from __future__ import annotations

from collections import deque
from typing import Any, Final

from pydantic_core import from_json

from service_core.errors import ArgumentException, ProtocolException
from service_core.rest.problem import PROBLEM_TYPE, read_problem
from service_core.rest.route_codec import RouteCodec
from service_core.rest.streams.formats import EVENT_STREAM, EventReader, LineReader, StreamEnd, problem_in_line
from service_core.wire import MalformedData, WireType, misfit, read_json
from service_core.wire.streams import stream_error


class StreamedItems:
    """Reads one answer of a method whose result is a stream. Used by one thread or task."""

    def __init__(
        self, route_codec: RouteCodec, item: WireType, media_type: str, where: str, *, max_bytes: int, has_end: bool
    ) -> None:
        """``where`` names the call in messages; ``max_bytes`` limits each item.

        ``has_end`` means that the end of the body can be distinguished from a lost connection.
        """
        self._route_codec = route_codec
        self._item = item
        self._where = where
        self._has_end = has_end
        self._came: deque[bytes | StreamEnd] = deque()
        self._is_events: Final = media_type == EVENT_STREAM
        self._reader = EventReader(max_bytes) if self._is_events else LineReader(max_bytes)
        self.failure: Exception | None = None
        """The error that the server has sent."""

    @property
    def is_over(self) -> bool:
        """Whether the end has come, without an error, and all items before it were taken."""
        return len(self._came) == 1 and isinstance(self._came[0], StreamEnd) and self._came[0].problem is None

    def feed(self, part: bytes) -> None:
        """Take a part of the body. Raises MalformedData for an item over the limit."""
        self._add(self._reader.feed(part))

    def end(self) -> None:
        """The body has ended. Raises MalformedData if the connection may have been lost."""
        self._add(self._reader.end())
        if not self._has_end and not any(isinstance(one, StreamEnd) for one in self._came):
            raise MalformedData("the answer has neither a length nor chunks, so it may have been cut off")
        self._came.append(StreamEnd())

    def next_items(self) -> list[Any] | None:
        """The items that have come, none at the end; None if more bytes are needed.

        Raises what the server has sent, ContractMismatchException for an item that does not fit the caller's interface,
        ProtocolException for one that cannot be read; those before it are returned first.
        """
        items: list[Any] = []
        while self._came and not isinstance(self._came[0], StreamEnd):
            try:
                items.append(self._read(self._came[0]))
            except Exception:
                if items:
                    return items
                raise
            self._came.popleft()
        if items:
            return items
        return self._ended() if self._came else None

    def _add(self, came: list[Any]) -> None:
        self._came += came if self._is_events else map(problem_in_line, came)

    def _read(self, data: bytes) -> Any:
        try:
            return read_json(self._item, data)
        except MalformedData as error:
            raise self._unreadable(error) from error
        except ArgumentException as error:
            raise misfit(error, self._route_codec.method, from_json(data), where=self._where) from error

    def _ended(self) -> list[Any]:
        end = self._came[0]
        if not isinstance(end, StreamEnd) or end.problem is None:
            return []
        problem = read_problem(PROBLEM_TYPE, end.problem)
        if problem is None:
            raise self._unreadable(MalformedData("a problem without problem details"))
        self.failure = stream_error(problem.to_error(), self._route_codec.call, self._where)
        raise self.failure

    def _unreadable(self, error: MalformedData) -> ProtocolException:
        return ProtocolException(f"{self._where}: the stream cannot be read: {error}", may_have_run=True)
