"""The caller's end of a call in memory: everything that a channel does, except that no bytes leave the process."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from service_core.calling.channel import Channel
from service_core.calling.proxy import Invocation
from service_core.context import current_context
from service_core.declaring.descriptors import MethodDescriptor
from service_core.errors import DeadlineExceeded, LocalServiceException, ServiceCommunicationException
from service_core.resilience.retrying import Attempts
from service_core.testing.faults import Fate, FaultPlan
from service_core.testing.in_memory_server import InMemoryServer, Reply
from service_core.wire import JSON, MSGPACK, Codec, MethodCodec, WireError, call_headers, error_from_wire, with_deadline

__all__ = ["InMemoryChannel", "InMemoryJSONChannel", "InMemoryMSGPackChannel", "Links"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """The way from channels to servers."""

    faults: FaultPlan
    """What goes wrong on it."""
    servers: dict[str, InMemoryServer] = field(default_factory=dict)
    """Where it leads to, by address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """How a call ended on the server."""

    result: Any = None
    error: Exception | None = None

    def unwrap(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call, its arguments already written; used by one thread or task."""

    plan: MethodCodec
    codec: Codec
    attempts: Attempts
    fixed: dict[str, str]
    """The headers that all attempts share."""
    body: bytes
    where: str

    @contextmanager
    def attempt(self) -> Iterator[str]:
        """The address for the next attempt, which the block makes.

        A failure to communicate ends the block without an error if the call may be tried again.
        """
        endpoint = self.attempts.begin()
        try:
            yield endpoint.url
        except ServiceCommunicationException as error:
            self.attempts.failed(error)
        except BaseException:
            self.attempts.abandoned()
            raise
        else:
            self.attempts.answered()

    def headers(self) -> dict[str, str]:
        """What travels beside the arguments."""
        return with_deadline(self.fixed, self.attempts.deadline)

    def waiting(self, delay: float) -> float:
        """How long to wait for a request to arrive: that long, or until nobody waits any more."""
        remaining = self.attempts.deadline.remaining
        if math.isinf(delay) and math.isinf(remaining):
            raise LocalServiceException(
                f"{self.where}: the request is dropped and the call has no deadline, so it would never end; "
                f"give it one with deadline(...)"
            )
        return min(delay, remaining)

    def check_time(self) -> None:
        """Raise DeadlineExceeded if nobody waits any more."""
        if self.attempts.deadline.expired:
            raise self.late()

    def late(self) -> DeadlineExceeded:
        """The error at the end of its time."""
        return DeadlineExceeded(f"{self.where}: no answer before the deadline of the call")

    def complete(self, reply: Reply) -> _Outcome:
        """What a reply means. Raises ServiceCommunicationException if another server may know better."""
        answer = reply.codec.read_response(self.plan, reply.body)
        if not isinstance(answer, WireError):
            return _Outcome(result=answer)
        error = error_from_wire(answer, where=self.where, declared=self.plan.errors, refused=reply.refused)
        if reply.refused and isinstance(error, ServiceCommunicationException):
            raise error
        return _Outcome(error=error)


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

    def invoke(self, invocation: Invocation) -> Any:
        """Carry out the call of a ``def`` method, in this thread."""
        call = self._prepare(invocation)
        outcome: _Outcome | None = None
        while outcome is None:
            if call.attempts.pause:
                time.sleep(call.attempts.pause)
            with call.attempt() as url:
                outcome = call.complete(self._send(call, url))
        return outcome.unwrap()

    async def invoke_async(self, invocation: Invocation) -> Any:
        """Carry out the call of an ``async def`` method, in a task of its own."""
        call = self._prepare(invocation)
        deadline = call.attempts.deadline
        outcome: _Outcome | None = None
        limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
        try:
            async with limit:
                while outcome is None:
                    if call.attempts.pause:
                        await asyncio.sleep(call.attempts.pause)
                    with call.attempt() as url:
                        outcome = call.complete(await self._send_async(call, url))
        except TimeoutError:
            if not limit.expired():
                raise
            raise call.late() from None
        return outcome.unwrap()

    def _send(self, call: _Call, url: str) -> Reply:
        fate, server = self._connect(call, url)
        if fate.delay:
            time.sleep(call.waiting(fate.delay))
            call.check_time()
        reply = server.answer(call.codec, call.headers(), call.body)
        call.check_time()
        self._receive(call, url, fate, server)
        return reply

    async def _send_async(self, call: _Call, url: str) -> Reply:
        fate, server = self._connect(call, url)
        if fate.delay:
            await asyncio.sleep(call.waiting(fate.delay))
            call.check_time()
        reply = await server.answer_async(call.codec, call.headers(), call.body)
        self._receive(call, url, fate, server)
        return reply

    def _connect(self, call: _Call, url: str) -> tuple[Fate, InMemoryServer]:
        if self._closed:
            raise LocalServiceException(f"{call.where}: the channel was closed before the call")
        fate = self._links.faults.next(call.plan.method, url)
        server = self._links.servers.get(url)
        if server is None or fate.refused:
            raise ServiceCommunicationException(f"{call.where} at {url}: cannot connect")
        return fate, server

    def _receive(self, call: _Call, url: str, fate: Fate, server: InMemoryServer) -> None:
        if fate.answer_lost or self._links.servers.get(url) is not server:
            raise ServiceCommunicationException(
                f"{call.where} at {url}: the connection was lost before the answer was complete; the call may have run",
                may_have_run=True,
            )

    def _prepare(self, invocation: Invocation) -> _Call:
        plan = self._plan(invocation)
        attempts = self.attempts(plan.method)
        context = current_context()
        headers = call_headers(context)
        if context.token is not None:
            headers["authorization"] = f"Bearer {context.token}"
        return _Call(
            plan=plan,
            codec=self.codec,
            attempts=attempts,
            fixed=headers,
            body=self.codec.write_request(plan, invocation.arguments()),
            where=f"{plan.method.where} of component '{self.component_descriptor.name}'",
        )

    def _plan(self, invocation: Invocation) -> MethodCodec:
        method = invocation.descriptor
        plan = self._plans.get(method)
        if plan is None:
            plan = self._plans.setdefault(method, MethodCodec(self.component_descriptor, invocation.service, method))
        return plan


class InMemoryJSONChannel(InMemoryChannel):
    """Calls as JSON."""

    codec = JSON


class InMemoryMSGPackChannel(InMemoryChannel):
    """Calls as msgpack."""

    codec = MSGPACK
