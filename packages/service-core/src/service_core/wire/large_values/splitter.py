"""Containers cut into pieces: the interface of both formats."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service_core.wire.bounds.bounded import HashCounter
from service_core.wire.values import WireType

PIECE: Final = 16 * 1024
"""Bytes of a piece whose values may all be made at once."""
ITEMS: Final = 256
"""How many items a piece has at most."""
LIST: Final = "list"
MAP: Final = "map"

Span: TypeAlias = tuple[int, int]
"""Where a value begins, and where it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Items of a list, or pairs of a map, that stand beside each other."""

    start: int
    end: int
    count: int = 1
    """How many there are; 0 if they are not counted yet."""


class Splitter(ABC):
    """A request in one format, which is cut where lists and maps have their items."""

    @property
    @abstractmethod
    def whole(self) -> Span:
        """Where the outermost value stands."""

    @abstractmethod
    def kind(self, span: Span) -> str:
        """``LIST`` or ``MAP``, empty for another value."""

    @abstractmethod
    def runs(self, span: Span) -> Iterator[Run]:
        """The items of a list or map in runs. Raises MalformedData."""

    @abstractmethod
    def singles(self, kind: str, run: Run) -> Iterator[Run]:
        """The items of a run, each as a run of its own. Raises MalformedData."""

    def pieces(self, span: Span, kind: str, most: int) -> Iterator[Run]:
        """Runs of at most so many bytes, and items that are longer. Raises MalformedData."""
        for run in self.runs(span):
            if run.end - run.start <= most:
                yield run
            else:
                yield from self.singles(kind, run)

    @abstractmethod
    def count(self, run: Run) -> int:
        """How many items a run has."""

    @abstractmethod
    def item(self, run: Run) -> Span:
        """Where the item of a run of one stands."""

    @abstractmethod
    def pair(self, run: Run) -> tuple[Any, Span]:
        """The key of a run of one pair, and where its value stands. Raises MalformedData."""

    @abstractmethod
    def document(self, kind: str, run: Run, replaced: Sequence[Span] = ()) -> bytes:
        """A list or map of the items of a run; instead of each value that is ``replaced`` stands its number."""

    @abstractmethod
    def named(self, values: Mapping[str, Span]) -> bytes:
        """A map of values by name."""

    @abstractmethod
    def text(self, span: Span, replaced: Sequence[Span] = ()) -> bytes:
        """A value as it came, but for those in it that are ``replaced`` by their numbers."""

    @abstractmethod
    def plain(self, document: bytes) -> Any:
        """A value in dicts, lists and scalars. Raises MalformedData."""

    @abstractmethod
    def read(self, wire: WireType, document: bytes, counter: HashCounter | None = None) -> Any:
        """Read a value of a type; ``counter`` is that of the value that it is part of.

        Raises MalformedData, ArgumentException.
        """

    @abstractmethod
    def read_plain(self, wire: WireType, data: Any) -> None:
        """As :meth:`read`, from dicts, lists and scalars."""


def spliced(data: bytes | memoryview, span: Span, replaced: Sequence[Span], write: Callable[[int], bytes]) -> bytes:
    """A part of some bytes, in which each of the parts ``replaced``, which are in order, is its number, written."""
    parts, at = list[bytes | memoryview](), span[0]
    for number, (start, end) in enumerate(replaced):
        parts += (data[at:start], write(number))
        at = end
    return b"".join((*parts, data[at : span[1]]))
