"""Serving streams: the body of an answer, from the items that a generator yields."""

from __future__ import annotations

from functools import partial
from typing import Any

from service_core.context import CallContext, enter_context, leave_context
from service_core.dispatch.executor import Executor
from service_core.dispatch.failures import Failure
from service_core.dispatch.responses import FailedFirst, StreamBody, StreamSink
from service_core.dispatch.streams.incoming import end_input
from service_core.dispatch.streams.item_limits import ItemLimits
from service_core.dispatch.streams.running import ItemRunner
from service_core.dispatch.target import Target
from service_core.errors import ErrorCode
from service_core.wire import WireError
from service_core.wire.streams import STOPPING, StreamWriter


def open_stream(
    executor: Executor, target: Target, arguments: tuple[Any, ...], writer: StreamWriter, context: CallContext
) -> StreamBody | Failure:
    """The body of the answer to a call whose result is a stream, or why it is refused.

    The method is called when the body is run. Used on the running event loop.
    """
    refused = executor.enter_stream(target, context)
    return _Body(executor, target, arguments, writer, context) if refused is None else refused


class _Body(StreamBody):
    """What the generator yields, and how its call ends."""

    __slots__ = ("_arguments", "_context", "_executor", "_is_open", "_target", "_writer")

    def __init__(
        self,
        executor: Executor,
        target: Target,
        arguments: tuple[Any, ...],
        writer: StreamWriter,
        context: CallContext,
    ) -> None:
        self._executor = executor
        self._target = target
        self._arguments = arguments
        self._writer = writer
        self._context = context
        self._is_open = True

    async def run(self, sink: StreamSink) -> bytes:
        executor, context, target = self._executor, self._context, self._target
        limits = ItemLimits(target.method_codec.method, context)
        on_close = partial(end_input, self._arguments)
        outer = enter_context(context)
        try:
            runner = ItemRunner(sink, self._writer, limits, executor.keep_alive, on_close)
            failure = await executor.iterate(target, self._arguments, runner, context)
        finally:
            leave_context(outer)
            self.close()
        if failure is None:
            runner.ending.append(self._writer.end)
        elif self._writer.has_status and not runner.has_begun and not runner.ending:
            raise FailedFirst(failure.error, failure.headers)
        else:
            runner.ending.append(self._writer.write_failure(failure.error))
        return b"".join(runner.ending)

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._executor.leave_stream(self._target, self._context)

    def stopped(self) -> bytes:
        error = WireError(type=STOPPING, code=ErrorCode.UNAVAILABLE, correlation_id=self._context.correlation_id)
        return self._writer.write_failure(error)
