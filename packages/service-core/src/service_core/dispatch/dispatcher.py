"""The dispatcher: from a content type and bytes to a status and bytes.

It knows nothing of HTTP servers. Only methods in its table can be called, and the table holds just the methods of
declared interfaces that this process implements.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable
from functools import partial
from typing import Any, Final, TypeAlias

from service_core.context import CallContext
from service_core.dispatch.executor import Executor
from service_core.dispatch.failures import Failure
from service_core.dispatch.request_refusals import (
    REFUSALS,
    Forbidden,
    answer_of,
    check_is_whole,
    refused,
    stream_codec,
    unknown_type,
)
from service_core.dispatch.responses import Response, correlation
from service_core.dispatch.streams.incoming import InputFrames, with_input
from service_core.dispatch.streams.outgoing import open_stream
from service_core.dispatch.target import Target
from service_core.dispatch.thread_pool import ThreadPool
from service_core.errors import ArgumentException, ContractMismatchException, ErrorCode
from service_core.rest import media_type_of
from service_core.wire import (
    CODECS,
    CORRELATION_ID,
    JSON,
    LARGE,
    MAX_VALUES,
    Codec,
    MalformedData,
    TooManyValues,
    context_from_headers,
)
from service_core.wire.large_values.checking import check_request
from service_core.wire.methods.arguments import CHANGES_PAGE
from service_core.wire.streams import FrameWriter

Reserve: TypeAlias = Callable[[Codec, bytes], None]

_SHORT: Final = 1000
"""Requests of so many bytes hold too few values for these to be counted."""


class Dispatcher:
    """Looks methods up, validates, runs and answers. Used on event loops; shared by all calls."""

    def __init__(
        self,
        targets: Iterable[Target],
        calls: Executor,
        *,
        readers: ThreadPool | None = None,
        max_values: int = MAX_VALUES,
        streams: bool = False,
    ) -> None:
        """Only ``targets`` can be called.

        Large requests are read in threads of ``readers``, all others on the event loop. One that holds more than
        ``max_values`` values is refused. ``streams`` means that the caller of :meth:`dispatch` sends answers that are
        streams; without it, methods with streams are refused as not implemented.
        """
        self._calls = calls
        self._readers = readers
        self._max_values = max_values
        self._streams = streams
        self.is_secured = calls.authentication.is_required
        """Whether callers need a token, so that :meth:`admit` is called first."""
        named = {target.method_codec.name: target for target in targets}
        self.methods: list[str] = list(named)
        """The names of the methods that can be called: ``component:service:method``."""
        self._targets = {**_without_component(named.values()), **named}
        self._some_are_anonymous = any(target.method_codec.method.anonymous for target in self._targets.values())

    async def admit(self, context: CallContext) -> CallContext | Response:
        """The context with the principal of its token, or the answer to a caller that is not admitted."""
        admitted = await self._calls.authentication.admit(context, anonymous=self._some_are_anonymous)
        return answer_of(admitted, JSON) if isinstance(admitted, Failure) else admitted

    async def dispatch(
        self, content_type: str, body: bytes, context: CallContext | None = None, reserve: Reserve | None = None
    ) -> Response:
        """Carry out one call of a caller that :meth:`admit` has admitted.

        ``reserve`` is called before the values of a large body are made, in the thread that makes them. Any bytes are
        answered; only cancellation is raised, and what ``reserve`` raises.
        """
        context = context or context_from_headers({})
        codec = CODECS.get(content_type) or CODECS.get(media_type_of(content_type))
        if codec is None:
            return unknown_type(content_type, context)
        try:
            if self._readers is None or len(body) < LARGE:
                target, arguments = self._read(codec, body, context)
            else:
                time_left = None if context.deadline is None else context.deadline.remaining
                target, arguments = await self._readers.run(self._read, (codec, body, context, reserve), time_left)
            check_is_whole(target)
        except REFUSALS as error:
            return refused(error, codec, context)
        return await self._carry_out(codec, target, arguments, context)

    async def dispatch_short(self, content_type: str, body: bytes, context: CallContext) -> Response | None:
        """As :meth:`dispatch`, for a request of less than ``LARGE`` bytes, with fewer steps.

        None, and nothing is done, if the request is a stream.
        """
        codec = CODECS.get(content_type) or CODECS.get(media_type_of(content_type))
        if codec is None:
            return None if stream_codec(content_type) is not None else unknown_type(content_type, context)
        try:
            target, arguments = self._read(codec, body, context)
            if target.has_streams:
                check_is_whole(target)
                return await self._carry_out(codec, target, arguments, context)
        except REFUSALS as error:
            return refused(error, codec, context)
        write = partial(codec.write_result, target.method_codec)
        outcome = await self._calls.carry_out(target, arguments, write, context)
        return _answer(outcome, codec, context)

    async def dispatch_stream(
        self, content_type: str, parts: AsyncIterator[bytes], context: CallContext, *, max_bytes: int
    ) -> Response:
        """As :meth:`dispatch`, for a request that is a stream; ``max_bytes`` limits each of its frames.

        ``parts`` are read while the method runs, and also while the answer is sent if that is a stream, too.
        """
        codec = stream_codec(content_type)
        if codec is None:
            return unknown_type(content_type, context)
        frames = InputFrames(parts, max_bytes=max_bytes)
        try:
            call = await frames.call()
            target, arguments = self._read(codec, call, context)
            method = target.method_codec.method
            stream, wire = method.input_stream, codec.input_items(target.method_codec, call)
            if stream is None or wire is None:
                raise ArgumentException(f"{method.where}: no parameter is a stream; send an ordinary call")
        except REFUSALS as error:
            return refused(error, codec, context)
        lists = frames.lists(codec, wire, partial(self._check_size, codec))
        return await self._carry_out(codec, target, with_input(arguments, stream, lists), context)

    def _check_size(self, codec: Codec, payload: bytes) -> None:
        if codec.holds_more(payload, self._max_values):
            raise TooManyValues(self._max_values)

    async def _carry_out(
        self, codec: Codec, target: Target, arguments: tuple[Any, ...], context: CallContext
    ) -> Response:
        if target.method_codec.items is not None:
            writer = FrameWriter(codec, target.method_codec.items)
            stream = open_stream(self._calls, target, arguments, writer, context)
            if isinstance(stream, Failure):
                return answer_of(stream, codec)
            headers = correlation(context.correlation_id)
            return Response(status=200, content_type=writer.content_type, body=b"", headers=headers, stream=stream)
        write = partial(codec.write_result, target.method_codec)
        outcome = await self._calls.carry_out(target, arguments, write, context)
        return _answer(outcome, codec, context)

    def _read(
        self, codec: Codec, body: bytes, context: CallContext, reserve: Reserve | None = None
    ) -> tuple[Target, tuple[Any, ...]]:
        """The method and its arguments. Raises ``REFUSALS``, and what ``reserve`` raises."""
        checked = None
        if len(body) > _SHORT or (self.is_secured and context.principal is None):
            checked = self._check_unread(codec, body, context, reserve)
        request = codec.read_request(body)
        if checked is not None and checked != request.method:
            raise MalformedData("the request names two methods")
        target = self._targets.get(request.method)
        if target is None or self.is_secured:
            target = self._target(request.method, context)
        if target.has_streams and not self._streams:
            reason = f"{target.method_codec.method.where} has streams, which this server does not carry"
            raise ArgumentException(reason, code=ErrorCode.UNIMPLEMENTED)
        return target, codec.read_arguments(target.method_codec, request)

    def _target(self, method: str, context: CallContext) -> Target:
        target = self._targets.get(method)
        if self.is_secured:
            self._check_caller(target, context)
        if target is None:
            raise ContractMismatchException(
                f"there is no method {method[:200]!r} here: the interfaces of caller and server differ, or the server "
                f"is another one; see {CHANGES_PAGE}",
                code=ErrorCode.NOT_FOUND,
            )
        return target

    def _check_unread(self, codec: Codec, body: bytes, context: CallContext, reserve: Reserve | None) -> str | None:
        """Raise what is wrong with a request that can be known before any of its values is made.

        Returns the name of the method by which a large one was checked, None for others.
        """
        target = self._targets.get(codec.method_name(body))
        self._check_caller(target, context)
        types = None if target is None else target.method_codec.arguments
        if types is not None and types.max_values is not None and codec.holds_more(body, types.max_values):
            raise ArgumentException(f"{types.where}: an argument is a list or a map, all parameters are simple values")
        if codec.holds_more(body, self._max_values):
            raise TooManyValues(self._max_values)
        if len(body) < LARGE:
            return None
        checked = check_request(codec, body, lambda name: self._target(name, context).method_codec.arguments)
        if reserve is not None:
            reserve(codec, body)
        return checked

    def _check_caller(self, target: Target | None, context: CallContext) -> None:
        forbidden = self._calls.authentication.forbid(target, context)
        if forbidden is not None:
            raise Forbidden(forbidden)


def _answer(outcome: bytes | Failure, codec: Codec, context: CallContext) -> Response:
    if isinstance(outcome, Failure):
        return answer_of(outcome, codec)
    headers = ((CORRELATION_ID, context.correlation_id or ""),)
    return Response(status=200, content_type=codec.content_type, body=outcome, headers=headers)


def _without_component(targets: Collection[Target]) -> dict[str, Target]:
    """The methods by names that need the interface only: ``service:service:method``.

    Only for services whose name is unique here: with two of a name, a request must name the component.
    """
    components: dict[str, set[str]] = {}
    for target in targets:
        components.setdefault(target.hosted.service.name, set()).add(target.hosted.component.name)
    return {
        f"{name}:{name}:{target.method_codec.method.name}": target
        for target in targets
        if len(components[name := target.hosted.service.name]) == 1
    }
