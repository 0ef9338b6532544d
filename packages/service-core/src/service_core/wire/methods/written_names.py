"""The part of a method's requests that names the arguments and their fields, prepared for every number of arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence


class WrittenNames:
    """The written names of one method's arguments in one format. Immutable, shared by threads.

    A request names the parameters of its arguments and the fields of their objects. Nearly always these are the first
    parameters of the interface in its order, and the same fields, at both ends: such names are neither written nor
    parsed but copied and compared as bytes.
    """

    __slots__ = ("_around", "_known", "by_count", "counts", "start")

    def __init__(
        self,
        known: Callable[[list[str | None]], bytes],
        around: Callable[[bytes], bytes],
        names: Sequence[str],
        fewest: int,
        *,
        start: bytes = b"",
    ) -> None:
        """``known`` gives the bytes that are compared for names, ``around`` the part of a request that holds them.

        ``fewest`` is how many of ``names`` have to be given. ``start`` is the beginning of a request in a format in
        which the names follow the arguments.
        """
        self.start = start
        self._known = known
        self._around = around
        self.by_count = tuple(self.of(names[:count]) for count in range(len(names) + 1))
        """The part for the first so many arguments."""
        self.counts = {known(list(names[:count])): count for count in range(fewest, len(names) + 1)}
        """How many arguments the written names stand for, if those are all that are needed."""

    def of(self, names: Sequence[str | None]) -> bytes:
        """The part for these names; None stands for an argument that is not given."""
        return self._around(self._known(list(names)))
