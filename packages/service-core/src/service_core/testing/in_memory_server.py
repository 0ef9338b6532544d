"""The server's end of a call in memory: headers and bytes come in, bytes go out, and the method runs in between."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from service_core.context import CallContext, call_context, new_correlation_id
from service_core.errors import (
    ArgumentException,
    AuthorizationException,
    DeadlineExceeded,
    ErrorCode,
    ServiceException,
)
from service_core.implementations import HostedService
from service_core.wire import Codec, MalformedData, MethodPlan, WireError, context_from_headers, error_to_wire

__all__ = ["InMemoryServer", "Reply"]

logger: Final = logging.getLogger("service.dispatch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a server answers."""

    body: bytes
    refused: bool = False
    """Whether the call was turned away, rather than carried out to whatever outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    plan: MethodPlan
    method: Callable[..., Any]
    """The bound method of the implementation."""


class InMemoryServer:
    """Answers as a real server does, but runs ``def`` methods in the thread that calls.

    So such a method is not left alone at the end of its time: its caller learns when it returns that it was too late.
    """

    def __init__(self, services: Iterable[HostedService], *, expose_errors: bool) -> None:
        """``expose_errors`` sends the messages of errors that are not declared."""
        self._expose_errors = expose_errors
        self._targets: dict[str, _Target] = {}
        self.components: list[str] = []
        """The names of the components that are hosted."""
        for hosted in services:
            if hosted.component.name not in self.components:
                self.components.append(hosted.component.name)
            for descriptor in hosted.service.methods.values():
                plan = MethodPlan(hosted.component, hosted.service, descriptor)
                self._targets[plan.name] = _Target(plan=plan, method=getattr(hosted.implementation, descriptor.name))

    def answer(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Reply:
        """Carry out the call of a ``def`` method."""
        execution = self._begin(codec, headers, body)
        if isinstance(execution, Reply):
            return execution
        try:
            # As in another process, nothing that belongs to the caller is there.
            result = contextvars.Context().run(execution.run)
        except (Exception, SystemExit, asyncio.CancelledError) as error:  # noqa: BLE001 - the implementation's errors are the caller's answer
            return execution.failed(error)
        return execution.succeeded(result)

    async def answer_async(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> Reply:
        """Carry out the call of an ``async def`` method, which is cancelled at the end of its time."""
        execution = self._begin(codec, headers, body)
        if isinstance(execution, Reply):
            return execution
        task = asyncio.create_task(execution.run_async(), context=contextvars.Context())
        limit = asyncio.timeout(execution.seconds)
        try:
            async with limit:
                result = await task
        except TimeoutError as error:
            return execution.late() if limit.expired() else execution.failed(error)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the implementation's errors are the caller's answer
            return execution.failed(error)
        except asyncio.CancelledError as error:
            if _is_being_cancelled():
                raise
            return execution.failed(error)
        return execution.succeeded(result)

    def _begin(self, codec: Codec, headers: Mapping[str, str], body: bytes) -> _Execution | Reply:
        context = context_from_headers(headers)
        if context.correlation_id is None:
            context = replace(context, correlation_id=new_correlation_id())
        try:
            request = codec.read_request(body)
            target = self._targets.get(request.method)
            if target is None:
                return _refusal(codec, context, ErrorCode.NOT_FOUND, f"there is no method {request.method!r} here")
            arguments = codec.read_arguments(target.plan, request)
        except MalformedData as error:
            return _refusal(codec, context, ErrorCode.INVALID_ARGUMENT, str(error))
        except ArgumentException as error:
            return _refusal(codec, context, error.code, error.message, ArgumentException, error.details)
        execution = _Execution(
            codec=codec, target=target, arguments=arguments, context=context, expose_errors=self._expose_errors
        )
        return execution.late() if execution.is_late else execution


@dataclass(frozen=True, slots=True, kw_only=True)
class _Execution:
    """One call that has been read."""

    codec: Codec
    target: _Target
    arguments: tuple[Any, ...]
    context: CallContext
    expose_errors: bool

    @property
    def seconds(self) -> float | None:
        """How long it may take, None if there is no limit."""
        deadline = self.context.deadline
        return None if deadline is None or math.isinf(deadline.expires_at) else deadline.remaining

    @property
    def is_late(self) -> bool:
        """Whether its time is up."""
        return self.context.deadline is not None and self.context.deadline.expired

    def run(self) -> Any:
        """Call the method."""
        positional, keywords = self.target.plan.method.split(self.arguments)
        with call_context(self.context):
            return self.target.method(*positional, **keywords)

    async def run_async(self) -> Any:
        """Call the method and await it."""
        positional, keywords = self.target.plan.method.split(self.arguments)
        with call_context(self.context):
            return await self.target.method(*positional, **keywords)

    def succeeded(self, result: Any) -> Reply:
        """The answer with a result."""
        if self.is_late:
            return self.late()
        try:
            return Reply(body=self.codec.write_result(self.target.plan, result))
        except ArgumentException as error:  # the result does not fit its type
            return self.failed(error)

    def failed(self, error: BaseException) -> Reply:
        """The answer with an error of the implementation."""
        plan = self.target.plan
        try:
            wire = error_to_wire(
                error, declared=plan.errors, correlation_id=self.context.correlation_id, expose=self.expose_errors
            )
        except (ArgumentException, AttributeError) as undeclared:  # its fields are not as its class declares them
            undeclared.__cause__ = error
            error = undeclared
            wire = WireError(type=type(error).__name__, correlation_id=self.context.correlation_id)
        if not isinstance(error, (AuthorizationException, *plan.method.raises)):
            logger.error("%s failed (correlation id %s)", plan.name, self.context.correlation_id, exc_info=error)
        return Reply(body=self.codec.write_error(wire), refused=isinstance(error, AuthorizationException))

    def late(self) -> Reply:
        """The answer at the end of the time."""
        told = "the time of the call is up"
        return _refusal(self.codec, self.context, ErrorCode.DEADLINE_EXCEEDED, told, DeadlineExceeded)


def _is_being_cancelled() -> bool:
    """Whether the caller is to end, rather than something that the implementation has waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _refusal(
    codec: Codec,
    context: CallContext,
    code: ErrorCode,
    message: str,
    kind: type[ServiceException] = ServiceException,
    details: Any = None,
) -> Reply:
    wire = WireError(
        type=kind.__name__, code=code, message=message, details=details, correlation_id=context.correlation_id
    )
    return Reply(body=codec.write_error(wire), refused=True)
