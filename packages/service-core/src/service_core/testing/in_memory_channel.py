"""The client side of a call in memory: all that a channel does, except that no bytes leave the process."""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Any, ClassVar

from service_core.call import Call
from service_core.calling.channel import Channel
from service_core.context import Deadline
from service_core.declaring.descriptors import MethodDescriptor
from service_core.errors import DeadlineExceeded, LocalServiceException, ServiceCommunicationException
from service_core.resilience.retrying import Raised
from service_core.testing.faults import Fate, FaultPlan
from service_core.testing.in_memory_server import InMemoryServer, Reply
from service_core.wire import JSON, MSGPACK, Codec, MethodCodec, WireError, call_headers, error_from_wire, with_deadline

__all__ = ["InMemoryChannel", "InMemoryJSONChannel", "InMemoryMSGPackChannel", "Links"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The network between channels and servers."""

    faults: FaultPlan
    """The faults of the network."""
    servers: dict[str, InMemoryServer] = field(default_factory=dict)
    """The servers by address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A call whose arguments are encoded; used by one thread or task."""

    plan: MethodCodec
    codec: Codec
    deadline: Deadline
    fixed: dict[str, str]
    """The headers that all attempts share."""
    body: bytes
    where: str

    def headers(self) -> dict[str, str]:
        """The headers of an attempt that is sent now."""
        return with_deadline(self.fixed, self.deadline)

    def waiting(self, delay: float) -> float:
        """Seconds until the request arrives, or until the deadline if that is sooner."""
        remaining = self.deadline.remaining
        if math.isinf(delay) and math.isinf(remaining):
            raise LocalServiceException(
                f"{self.where}: the request is dropped and the call has no deadline, so it would never end; "
                f"give it one with deadline(...)"
            )
        return min(delay, remaining)

    def check_time(self) -> None:
        """Raise DeadlineExceeded if the deadline has passed."""
        if self.deadline.expired:
            raise self.late()

    def late(self) -> DeadlineExceeded:
        """The error of a call whose deadline passes after it was sent."""
        return DeadlineExceeded(f"{self.where}: no answer before the deadline of the call", may_have_run=True)

    def complete(self, reply: Reply) -> Any:
        """The result, or the error that the method raised. Raises the error of a server that refused the call."""
        answer = reply.codec.read_answer(self.plan, reply.body, where=self.where)
        if not isinstance(answer, WireError):
            return answer
        error = error_from_wire(
            answer, where=self.where, declared=self.plan.errors, refused=reply.refused, method=self.plan.method
        )
        if reply.refused and isinstance(error, ServiceCommunicationException):
            raise error
        return Raised(error)


class InMemoryChannel(Channel):
    """Reaches servers in this process."""

    codec: ClassVar[Codec]

    def __init__(self, links: Links) -> None:
        super().__init__()
        self._links = links
        self._plans: dict[MethodDescriptor, MethodCodec] = {}
        self._closed = False

    def close(self) -> None:
        """Later calls fail."""
        self._closed = True

    def invoke(self, invocation: Call) -> Any:
        """Carry out the call of a ``def`` method, in this thread."""
        if invocation.descriptor.is_async:  # called in its other form
            return asyncio.run(self.invoke_async(invocation))
        request = self._prepare(invocation)
        return self.run(invocation, lambda url: request.complete(self._send(request, url)))

    async def invoke_async(self, invocation: Call) -> Any:
        """Carry out the call of an ``async def`` method, in a task of its own."""
        request = self._prepare(invocation)

        async def send(url: str) -> Any:
            return request.complete(await self._send_async(request, url))

        deadline = invocation.deadline
        limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
        try:
            async with limit:
                return await self.run_async(invocation, send)
        except TimeoutError:
            if not limit.expired():
                raise
            raise request.late() from None

    def _send(self, request: _Request, url: str) -> Reply:
        fate, server = self._connect(request, url)
        if fate.delay:
            time.sleep(request.waiting(fate.delay))
            request.check_time()
        reply = server.answer(request.codec, request.headers(), request.body)
        request.check_time()
        self._receive(request, url, fate, server)
        return reply

    async def _send_async(self, request: _Request, url: str) -> Reply:
        fate, server = self._connect(request, url)
        if fate.delay:
            await asyncio.sleep(request.waiting(fate.delay))
            request.check_time()
        reply = await server.answer_async(request.codec, request.headers(), request.body)
        self._receive(request, url, fate, server)
        return reply

    def _connect(self, request: _Request, url: str) -> tuple[Fate, InMemoryServer]:
        if self._closed:
            raise LocalServiceException(f"{request.where}: the channel was closed before the call")
        fate = self._links.faults.next(request.plan.method, url)
        server = self._links.servers.get(url)
        if server is None or fate.refused:
            raise ServiceCommunicationException(f"{request.where} at {url}: cannot connect")
        return fate, server

    def _receive(self, request: _Request, url: str, fate: Fate, server: InMemoryServer) -> None:
        if fate.answer_lost or self._links.servers.get(url) is not server:
            raise ServiceCommunicationException(
                f"{request.where} at {url}: the connection was lost before the answer was complete; the call may have "
                f"run",
                may_have_run=True,
            )

    def _prepare(self, call: Call) -> _Request:
        plan = self._plan(call)
        headers = call_headers(call.context, call.correlation_id)
        if call.context.token is not None and self.forward_token:
            headers["authorization"] = f"Bearer {call.context.token}"
        return _Request(
            plan=plan,
            codec=self.codec,
            deadline=call.deadline,
            fixed=headers,
            body=self.codec.write_request(plan, call.arguments()),
            where=f"{plan.method.where} of component '{self.component_descriptor.name}'",
        )

    def _plan(self, call: Call) -> MethodCodec:
        method = call.descriptor
        plan = self._plans.get(method)
        if plan is None:
            plan = self._plans.setdefault(method, MethodCodec(self.component_descriptor, call.service, method))
        return plan


class InMemoryJSONChannel(InMemoryChannel):
    """Calls as JSON."""

    codec = JSON


class InMemoryMSGPackChannel(InMemoryChannel):
    """Calls as msgpack."""

    codec = MSGPACK
