"""The same failure is the same exception over every channel, for sync and async callers."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from service_core import (
    AuthorizationException,
    DeadlineExceeded,
    ErrorCode,
    InvalidTokenException,
    MissingTokenException,
    ProtocolException,
    RemoteServiceException,
    ServiceCommunicationException,
    ServiceManager,
    StaticComponentRegistry,
    TokenExpiredException,
    deadline,
)
from service_server_fastapi import FastAPIServer
from tests.integration.rest.gallery import CHANNELS, Gallery, GalleryModule, NotHanging

Call = Callable[[str, str, str], Any]
"""Calls ``fail(kind)`` at a URL over a channel."""


def call_sync(url: str, channel: str, kind: str) -> Any:
    with ServiceManager(StaticComponentRegistry({"gallery-component": {channel: url}})) as manager:
        return manager.get_service(Gallery).fail(kind)


def call_async(url: str, channel: str, kind: str) -> Any:
    async def call() -> Any:
        async with ServiceManager(StaticComponentRegistry({"gallery-component": {channel: url}})) as manager:
            return await manager.get_service(Gallery).fail_async(kind)

    return asyncio.run(call())


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What goes wrong, and what the caller gets."""

    kind: str
    error: type[Exception]
    fields: dict[str, Any] = field(default_factory=dict)


# Raised by the implementation, or answered by middleware of that name, see ``served``.
FAILURES = [
    Failure(kind="declared", error=NotHanging, fields={"title": "Sunflowers", "wall": 3}),
    Failure(
        kind="undeclared",
        error=RemoteServiceException,
        fields={"code": ErrorCode.INTERNAL, "type": "ValueError", "details": None},
    ),
    Failure(kind="remote", error=RemoteServiceException, fields={"code": ErrorCode.RESOURCE_EXHAUSTED}),
    Failure(kind="forbidden", error=AuthorizationException, fields={"code": ErrorCode.PERMISSION_DENIED}),
    Failure(kind="missing", error=MissingTokenException, fields={"code": ErrorCode.UNAUTHENTICATED}),
    Failure(kind="invalid", error=InvalidTokenException),
    Failure(kind="expired", error=TokenExpiredException),
    Failure(kind="middleware-401-missing", error=MissingTokenException),
    Failure(kind="middleware-401-invalid", error=InvalidTokenException),
    Failure(kind="middleware-401-expired", error=TokenExpiredException),
    Failure(kind="middleware-403", error=AuthorizationException),
    Failure(
        kind="middleware-503",
        error=ServiceCommunicationException,
        fields={"may_have_run": True, "retry_after": 0.0},
    ),
    Failure(kind="middleware-502", error=ServiceCommunicationException, fields={"may_have_run": True}),
    Failure(kind="middleware-429", error=ProtocolException, fields={"may_have_run": True}),
    Failure(kind="middleware-500", error=ProtocolException, fields={"may_have_run": True}),
]

_CHALLENGES = {
    "missing": "Bearer",
    "invalid": 'Bearer error="invalid_token"',
    "expired": 'Bearer error="invalid_token", error_description="the token is expired"',
}


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The URL of a gallery behind a middleware that answers where the test asks it to, by the token."""
    app = FastAPI()

    @app.middleware("http")
    async def refuse(request: Request, proceed: Any) -> Response:
        body = (await request.body()).decode("latin-1") + str(request.url)
        _, found, wanted = body.partition("middleware-")
        if not found:
            response: Response = await proceed(request)
            return response
        challenge = next((text for name, text in _CHALLENGES.items() if wanted[4:].startswith(name)), "")
        return Response(
            "<html>no</html>", int(wanted[:3]), {"www-authenticate": challenge, "retry-after": "0"}, "text/html"
        )

    with FastAPIServer("127.0.0.1", 0, app) as server:
        server.boot(GalleryModule)
        yield server.url


def fields_of(error: Exception, names: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(error, name) for name in names}


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.kind)
@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("call", [call_sync, call_async])
def test_a_failure_is_the_same_exception_everywhere(served: str, failure: Failure, channel: str, call: Call) -> None:
    with pytest.raises(failure.error) as caught:
        call(served, channel, failure.kind)
    assert type(caught.value) is failure.error
    assert fields_of(caught.value, failure.fields) == failure.fields
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("call", [call_sync, call_async])
def test_an_address_without_a_server_is_a_failure_that_did_not_run(channel: str, call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ServiceCommunicationException, match="cannot connect") as caught:
        call(url, channel, "declared")
    assert not caught.value.may_have_run


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("call", [call_sync, call_async])
def test_a_deadline_that_has_passed_is_an_exception_of_its_own(served: str, channel: str, call: Call) -> None:
    with deadline(0), pytest.raises(DeadlineExceeded):
        call(served, channel, "declared")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("call", [call_sync, call_async])
def test_a_server_that_says_nothing_is_left_at_the_deadline(channel: str, call: Call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, deadline(0.2), pytest.raises(DeadlineExceeded):
        call(f"http://127.0.0.1:{silent.getsockname()[1]}", channel, "declared")
