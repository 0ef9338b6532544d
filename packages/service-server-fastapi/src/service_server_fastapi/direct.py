"""What answers requests directly: past the layers of the application, and past ASGI where a request is here already."""

from __future__ import annotations

from typing import Protocol

from starlette.types import Receive, Scope, Send

from service_core.dispatch import Answer

__all__ = ["Direct"]


class Direct(Protocol):
    """An ASGI application that answers a request at once if it can."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request that may still be arriving."""
        ...

    async def answer(self, scope: Scope, body: bytes) -> Answer | None:
        """The answer to a request that has arrived, None if it is one for the other way. Only cancellation is raised.

        Whoever calls cancels it when the caller hangs up.
        """
        ...
