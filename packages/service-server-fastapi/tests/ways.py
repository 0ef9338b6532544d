"""The ways that a request takes through the server; whatever a test says holds on each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI


class _Passing:
    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self._app(scope, receive, send)


def directly() -> FastAPI:
    """An application past which calls are taken."""
    return FastAPI()


def through_fastapi() -> FastAPI:
    """An application of which every layer sees calls."""
    app = FastAPI()
    app.add_middleware(_Passing)
    return app


Way = Callable[[], FastAPI]
WAYS = pytest.mark.parametrize("way", [directly, through_fastapi], scope="module")
EACH_WAY = pytest.mark.parametrize("way", [directly, through_fastapi])
OVER_ASGI = {"x_forwarded_proto": "http"}
"""Headers of a request that is taken past the application, but over ASGI."""
