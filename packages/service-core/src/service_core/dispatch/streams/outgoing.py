"""Serving streams: the parts of a body, from the items that a generator yields."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from typing import Any, Final

from service_core.context import CallContext, call_context
from service_core.dispatch.executor import Executor
from service_core.dispatch.failures import Failure, failure_of, late
from service_core.dispatch.responses import FailedFirst, StreamBody
from service_core.dispatch.streams.item_limits import ItemLimits
from service_core.dispatch.streams.source import StreamSource
from service_core.dispatch.target import Target
from service_core.dispatch.timeouts import TimedOut, within
from service_core.errors import ArgumentException, ErrorCode
from service_core.wire import WireError
from service_core.wire.streams import STOPPING, StreamWriter

__all__ = ["open_stream"]

_FIRST: Final = 1.0
"""Seconds until the first part, with an item or without, so that callers know early that the stream has begun."""


def open_stream(
    executor: Executor, target: Target, arguments: tuple[Any, ...], writer: StreamWriter, context: CallContext
) -> StreamBody | Failure:
    """The body of the answer to a call whose result is a stream, or why it is refused.

    The method is called when the first part is read. Used on the running event loop.
    """
    refused = executor.enter_stream(target, context)
    if refused is not None:
        return refused
    ending: list[bytes] = []
    parts = _parts(executor, target, arguments, writer, context, ending)
    stopping = WireError(type=STOPPING, code=ErrorCode.UNAVAILABLE, correlation_id=context.correlation_id)
    stopped = writer.write_failure(stopping)
    return StreamBody(parts, lambda: executor.leave_stream(target, context), ending=ending, stopped=stopped)


async def _parts(
    executor: Executor,
    target: Target,
    arguments: tuple[Any, ...],
    writer: StreamWriter,
    context: CallContext,
    ending: list[bytes],
) -> AsyncGenerator[bytes, None]:
    source, limits = StreamSource(), ItemLimits(target.method_codec.method, context)
    with call_context(context):  # for the task of the generator; this one is the server's
        source.start(executor.iterate(target, arguments, source, context))
    failure: Failure | None = None
    has_begun = False
    try:
        while (items := await _next(source, limits, executor.keep_alive if has_begun else _FIRST)) != []:
            if items is None:
                yield writer.idle
            else:
                for part in _written(source, writer, items):
                    if source.has_ended:  # it is sent together with the end
                        ending.append(part)
                    else:
                        yield part
                limits.item_taken()
            has_begun = True
        failure = source.outcome
    except TimedOut:
        failure = late(context, reason=limits.reason)
    except ArgumentException as error:  # an item that is not of the declared type
        with call_context(context):
            failure = failure_of(error, target.method_codec, context, expose=executor.expose_errors)
    finally:
        await source.aclose()
    if failure is None:
        ending.append(writer.end)
    elif writer.has_status and not has_begun:
        raise FailedFirst(failure.error, failure.headers)
    else:
        ending.append(writer.write_failure(failure.error))


async def _next(source: StreamSource, limits: ItemLimits, pause: float) -> list[Any] | None:
    """The next items, none at the end; None if ``pause`` seconds pass without one. Raises TimedOut at a limit."""
    remaining = limits.remaining
    try:
        return await within(source.take(), min(pause, remaining))
    except TimedOut:
        if remaining <= pause:
            raise
        return None


def _written(source: StreamSource, writer: StreamWriter, items: list[Any]) -> Iterator[bytes]:
    """The items as parts; those before a wrong one are sent. Raises ArgumentException."""
    try:
        part = writer.write_items(items)
    except ArgumentException:
        if len(items) == 1:
            raise
        for item in items:
            yield writer.write_items([item])
    else:
        source.adapt(len(items), len(part))
        yield part
