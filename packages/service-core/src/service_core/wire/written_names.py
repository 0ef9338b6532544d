"""The part of a method's requests that names the arguments, prepared for every number of arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

__all__ = ["WrittenNames"]


class WrittenNames:
    """The written names of one method's arguments in one format. Immutable, shared by threads.

    A request names the parameters of its arguments. Nearly always these are the first ones of the interface in its
    order, at both ends: such names are neither written nor parsed but copied and compared as bytes.
    """

    __slots__ = ("_after", "_before", "_pack", "by_count", "counts", "start")

    def __init__(
        self,
        before: bytes,
        after: bytes,
        pack: Callable[[list[str | None]], bytes],
        names: Sequence[str],
        fewest: int,
        *,
        start: bytes = b"",
    ) -> None:
        """``before`` and ``after`` stand around the names; ``fewest`` is how many of ``names`` have to be given.

        ``start`` is the beginning of a request in a format in which the names follow the arguments.
        """
        self.start = start
        self._before = before
        self._after = after
        self._pack = pack
        self.by_count = tuple(self.of(names[:count]) for count in range(len(names) + 1))
        """The part for the first so many arguments."""
        self.counts = {pack(list(names[:count])): count for count in range(fewest, len(names) + 1)}
        """How many arguments the written names stand for, if those are all that are needed."""

    def of(self, names: Sequence[str | None]) -> bytes:
        """The part for these names; None stands for an argument that is not given."""
        return b"".join((self._before, self._pack(list(names)), self._after))
