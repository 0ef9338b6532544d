"""The dispatcher: from a content type and bytes to a status and bytes.

It knows nothing of HTTP servers. Only methods in its table can be called, and the table holds just the methods of
declared interfaces that this process implements.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from service_core.context import CallContext
from service_core.errors import ArgumentException, ErrorCode
from service_core.implementations import HostedService
from service_core.wire import CODECS, Codec, MalformedData
from service_server_fastapi.answers import Answer, correlation, envelope, refusal
from service_server_fastapi.calls import Calls, Failure, Target, identified
from service_server_fastapi.workers import Workers

__all__ = ["Answer", "Dispatcher"]


class Dispatcher:
    """Looks methods up, validates, runs and answers. Used on event loops; shared by all calls."""

    def __init__(self, services: Iterable[HostedService], workers: Workers, *, expose_errors: bool = False) -> None:
        """Build the table. Raises DeclarationException if a type of a method cannot be validated."""
        self._calls = Calls(workers, expose_errors=expose_errors)
        targets = [Target.of(hosted, method) for hosted in services for method in hosted.service.methods.values()]
        self._targets = {target.plan.name: target for target in targets}

    @property
    def methods(self) -> list[str]:
        """The names under which methods can be called: ``component:service:method``."""
        return list(self._targets)

    async def dispatch(self, content_type: str, body: bytes, context: CallContext | None = None) -> Answer:
        """Carry out one call. Whatever the bytes are, there is an answer; only cancellation is raised."""
        context = identified(context or CallContext())
        codec = CODECS.get(content_type) or CODECS.get(content_type.partition(";")[0].strip().lower())
        if codec is None:
            told = f"content type {content_type[:100]!r} is not one of {', '.join(CODECS)}"
            return envelope(refusal(ErrorCode.INVALID_ARGUMENT, told, context=context), status=415)
        try:
            target, arguments = self._read(codec, body)
        except MalformedData as error:
            told = str(error)
            return envelope(refusal(ErrorCode.INVALID_ARGUMENT, told, context=context), status=400, codec=codec)
        except _UnknownMethod as error:
            return envelope(refusal(ErrorCode.NOT_FOUND, str(error), context=context), codec=codec)
        except ArgumentException as error:
            wrong = refusal(error.code, error.message, details=error.details, context=context)
            return envelope(wrong, codec=codec)
        outcome = await self._calls.carry_out(target, arguments, partial(codec.write_result, target.plan), context)
        if isinstance(outcome, Failure):
            # Status 200 says that the implementation has run, to whatever outcome.
            status = 200 if outcome.executed else None
            return envelope(outcome.error, status=status, codec=codec, headers=outcome.headers)
        headers = correlation(context.correlation_id)
        return Answer(status=200, content_type=codec.content_type, body=outcome, headers=headers)

    def _read(self, codec: Codec, body: bytes) -> tuple[Target, tuple[Any, ...]]:
        request = codec.read_request(body)
        target = self._targets.get(request.method)
        if target is None:
            raise _UnknownMethod(f"there is no method {request.method[:200]!r} here")
        return target, codec.read_arguments(target.plan, request)


class _UnknownMethod(LookupError):
    pass
