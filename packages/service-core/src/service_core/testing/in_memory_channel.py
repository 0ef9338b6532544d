"""The client side of a call in memory: all that a channel does, except that no bytes leave the process."""

from __future__ import annotations

import asyncio
import contextvars
import math
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from service_core.call import Call
from service_core.calling.channel import Channel
from service_core.calling.streams.loop_thread import background_loop, in_background
from service_core.declaring.descriptors import MethodDescriptor
from service_core.errors import LocalServiceException, ServiceCommunicationException
from service_core.resilience.attempts import Raised
from service_core.resilience.stream_limits import StreamLimits
from service_core.testing.faults import FaultPlan, PlannedFaults
from service_core.testing.in_memory_request import MemoryRequest
from service_core.testing.in_memory_server import InMemoryServer, Reply, reply_of
from service_core.testing.streams.in_memory import InMemoryStream, MemoryInput, answered, lost
from service_core.wire import ITEM_TIMEOUTS_MS, JSON, MSGPACK, Codec, MethodCodec, call_headers, item_timeouts_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The network between channels and servers."""

    faults: FaultPlan
    """The faults of the network."""
    servers: dict[str, InMemoryServer] = field(default_factory=dict)
    """The servers by address."""


class InMemoryChannel(Channel):
    """Reaches servers in this process."""

    codec: ClassVar[Codec]

    def __init__(self, links: Links) -> None:
        super().__init__()
        self._links = links
        self._method_codecs: dict[MethodDescriptor, MethodCodec] = {}
        self._closed = False

    def close(self) -> None:
        """Later calls fail."""
        self._closed = True

    def invoke(self, invocation: Call) -> Any:
        """Carry out the call of a ``def`` method, in this thread."""
        if invocation.descriptor.is_async:  # called in its other form
            return asyncio.run(self.invoke_async(invocation))
        if invocation.descriptor.input_stream is not None:
            return asyncio.run_coroutine_threadsafe(self.invoke_async(invocation), background_loop()).result()
        request = self._prepare(invocation)
        return self.run(invocation, lambda url: request.complete(self._send(request, url)))

    async def invoke_async(self, invocation: Call) -> Any:
        """Carry out the call of an ``async def`` method, in a task of its own."""
        request = self._prepare(invocation)

        async def send(url: str) -> Any:
            if request.input is not None:
                return request.complete(await self._send_input(invocation, request, url))
            return request.complete(await self._send_async(request, url))

        deadline = invocation.deadline
        limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
        try:
            async with limit:
                return await self.run_hedged_async(invocation, send)
        except TimeoutError:
            if not limit.expired():
                raise
            raise request.late() from None

    def invoke_stream(self, invocation: Call) -> Any:
        """Carry out the call of a method whose result is a stream, on the running event loop or, for a sync method,
        on one in another thread."""
        lists = self._lists(invocation, self._prepare(invocation))
        return lists if invocation.descriptor.is_async else in_background(lists)

    async def _lists(self, call: Call, request: MemoryRequest) -> AsyncGenerator[list[Any], None]:
        limits = StreamLimits(call)
        opened = await self.run_hedged_async(call, lambda url: self._open(call, request, url, limits))
        with self.balancer.loaded(opened.url):
            try:
                items = opened.first
                while items:
                    yield items
                    limits.item_came()
                    items = await opened.next_items(limits)
            finally:
                await opened.aclose()

    async def _open(self, call: Call, request: MemoryRequest, url: str, limits: StreamLimits) -> Any:
        faults, server = self._connect(request, url)
        if faults.delay:
            await asyncio.sleep(request.waiting(faults.delay))
            request.check_time()
        opened = InMemoryStream(
            call, request.method_codec, request.codec, url, where=request.where, is_up=lambda: self._is_up(url, server)
        )
        try:
            answer = await opened.open(server, request.headers(), request.body, request.input, limits)
            if answer is not None:
                self._receive(request, url, faults, server)
                return request.complete(reply_of(answer))
            if faults.answer_lost:
                self._receive(request, url, faults, server)
            return opened
        except BaseException as error:
            await opened.aclose()
            if opened.is_answer(error):
                return Raised(error)
            raise

    async def _send_input(self, call: Call, request: MemoryRequest, url: str) -> Reply:
        faults, server = self._connect(request, url)
        given = MemoryInput(request.method_codec, request.codec, request.body, request.input)
        work = server.stream(request.codec, request.headers(), given.parts(call))
        answer = await answered(asyncio.create_task(work, context=contextvars.Context()), given, call)
        self._receive(request, url, faults, server)
        return reply_of(answer)

    def _is_up(self, url: str, server: InMemoryServer) -> bool:
        return self._links.servers.get(url) is server

    def _send(self, request: MemoryRequest, url: str) -> Reply:
        faults, server = self._connect(request, url)
        if faults.delay:
            time.sleep(request.waiting(faults.delay))
            request.check_time()
        reply = server.answer(request.codec, request.headers(), request.body)
        request.check_time()
        self._receive(request, url, faults, server)
        return reply

    async def _send_async(self, request: MemoryRequest, url: str) -> Reply:
        faults, server = self._connect(request, url)
        if faults.delay:
            await asyncio.sleep(request.waiting(faults.delay))
            request.check_time()
        reply = await server.answer_async(request.codec, request.headers(), request.body)
        self._receive(request, url, faults, server)
        return reply

    def _connect(self, request: MemoryRequest, url: str) -> tuple[PlannedFaults, InMemoryServer]:
        if self._closed:
            raise LocalServiceException(f"{request.where}: the channel was closed before the call")
        faults = self._links.faults.next(request.method_codec.method, url)
        server = self._links.servers.get(url)
        if server is None or faults.refused:
            raise ServiceCommunicationException(f"{request.where} at {url}: cannot connect")
        return faults, server

    def _receive(self, request: MemoryRequest, url: str, faults: PlannedFaults, server: InMemoryServer) -> None:
        if faults.answer_lost or self._links.servers.get(url) is not server:
            raise lost(request.where, url)

    def _prepare(self, call: Call) -> MemoryRequest:
        method_codec = self._method_codec(call)
        arguments, given = call.arguments_and_stream()
        headers = call_headers(call.context, call.correlation_id)
        if call.context.token is not None and self.forward_token:
            headers["authorization"] = f"Bearer {call.context.token}"
        if call.descriptor.has_streams:
            headers[ITEM_TIMEOUTS_MS] = item_timeouts_ms(call.policy.timeout, call.policy.idle_timeout)
        return MemoryRequest(
            method_codec=method_codec,
            codec=self.codec,
            deadline=call.deadline,
            fixed=headers,
            body=self.codec.write_request(method_codec, arguments),
            input=given,
            where=f"{method_codec.method.where} of component '{self.component_descriptor.name}'",
        )

    def _method_codec(self, call: Call) -> MethodCodec:
        method = call.descriptor
        method_codec = self._method_codecs.get(method)
        if method_codec is None:
            method_codec = self._method_codecs.setdefault(
                method, MethodCodec(self.component_descriptor, call.service, method)
            )
        return method_codec


class InMemoryJSONChannel(InMemoryChannel):
    """Calls as JSON."""

    codec = JSON


class InMemoryMSGPackChannel(InMemoryChannel):
    """Calls as msgpack."""

    codec = MSGPACK
