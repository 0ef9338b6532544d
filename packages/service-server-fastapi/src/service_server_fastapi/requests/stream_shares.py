"""How many streams one caller has open: they last, so a single caller could take all places of the server."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import AbstractContextManager
from typing import Final

from service_core import CallContext, ErrorCode
from service_core.dispatch import caller_of
from service_server_fastapi.access.rejections import UNREAD, Rejection, named
from service_server_fastapi.settings import ServerSettings


class StreamShares:
    """Counts open streams by caller. Used on one event loop.

    A caller is a principal if its token was verified, else an address, which callers behind one proxy share. All
    callers of a Unix domain socket without a token count as one.
    """

    def __init__(self, settings: ServerSettings) -> None:
        limit = settings.max_streams_per_caller
        self._most: Final = max(1, settings.max_concurrency // 2) if limit is None else limit
        self._open: dict[Hashable, int] = {}

    def share(self, client: tuple[str, int] | None, context: CallContext) -> AbstractContextManager[None]:
        """Count a stream inside the block. Entering it raises Rejection for one too many; nothing has run then.

        ``client`` is the address of the connection.
        """
        return _Share(self, _caller(client, context))

    def enter(self, caller: Hashable) -> None:
        """Count a stream until :meth:`leave`. Raises Rejection for one too many."""
        count = self._open.get(caller, 0)
        if count >= self._most:
            raise Rejection(
                429,
                f"the caller has {self._most} streams open, as many as {named('max_streams_per_caller')} allows",
                ErrorCode.RESOURCE_EXHAUSTED,
                headers=UNREAD,
            )
        self._open[caller] = count + 1

    def leave(self, caller: Hashable) -> None:
        """A stream of a caller has ended; one without streams is forgotten."""
        count = self._open.pop(caller)
        if count > 1:
            self._open[caller] = count - 1


class _Share(AbstractContextManager[None]):
    """One stream, no generator, which would take longer than the count."""

    __slots__ = ("_caller", "_shares")

    def __init__(self, shares: StreamShares, caller: Hashable) -> None:
        self._shares = shares
        self._caller = caller

    def __enter__(self) -> None:
        self._shares.enter(self._caller)

    def __exit__(self, *raised: object) -> None:
        self._shares.leave(self._caller)


def _caller(client: tuple[str, int] | None, context: CallContext) -> Hashable:
    if context.principal is not None:
        return "principal", caller_of(context)
    return "address", client[0] if client else None
