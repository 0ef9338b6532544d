"""How many streams one caller has open: they last, so a single caller could take all places of the server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
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
        self._open: Counter[Hashable] = Counter()

    @contextmanager
    def share(self, client: tuple[str, int] | None, context: CallContext) -> Iterator[None]:
        """Count a stream inside the block. Raises Rejection for one too many; nothing has run then.

        ``client`` is the address of the connection.
        """
        caller = _caller(client, context)
        if self._open[caller] >= self._most:
            raise Rejection(
                429,
                f"the caller has {self._most} streams open, as many as {named('max_streams_per_caller')} allows",
                ErrorCode.RESOURCE_EXHAUSTED,
                headers=UNREAD,
            )
        self._open[caller] += 1
        try:
            yield
        finally:
            self._open[caller] -= 1
            if not self._open[caller]:
                del self._open[caller]


def _caller(client: tuple[str, int] | None, context: CallContext) -> Hashable:
    if context.principal is not None:
        return "principal", caller_of(context)
    return "address", client[0] if client else None
