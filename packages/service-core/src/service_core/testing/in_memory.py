"""Services without a network: calls are written, read, carried out and answered as ever, but stay in the process.

:func:`in_memory` is enough to test a service. :class:`InMemoryNetwork` has several servers, which come and go, for
tests of what callers do about it.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from service_core.attempts import Attempts
from service_core.catalog import Catalog, default_catalog
from service_core.channel import Channel
from service_core.context import CallContext, current_context, new_correlation_id
from service_core.descriptors import MethodDescriptor
from service_core.errors import DeadlineExceeded, LocalServiceException, ServiceCommunicationException
from service_core.factory import ChannelFactory
from service_core.manager import HostedService, ServiceManager
from service_core.proxy import Invocation
from service_core.registry import LocalComponentRegistry
from service_core.testing.faults import Fate, FaultPlan
from service_core.testing.in_memory_server import InMemoryServer, Reply
from service_core.testing.scripted_registry import ScriptedRegistry
from service_core.wire import JSON, MSGPACK, Codec, MethodPlan, WireError, context_to_headers, error_from_wire

__all__ = ["InMemoryNetwork", "in_memory"]


def in_memory(
    *implementations: object,
    channel: str = "dispatch-json",
    faults: FaultPlan | None = None,
    expose_errors: bool = False,
    catalog: Catalog = default_catalog,
) -> ServiceManager:
    """A manager whose services are these implementations, called over a channel in memory.

    ``channel`` is ``dispatch-json`` or ``dispatch-msgpack``; ``faults`` go wrong on the way; ``expose_errors`` sends
    the messages of errors that are not declared. The manager's registry is a :class:`ScriptedRegistry`. Raises
    DeclarationException if an object implements no service of a component.
    """
    network = InMemoryNetwork(faults=faults, expose_errors=expose_errors, catalog=catalog)
    hosted = network.hosted(implementations)
    url = network.start(*implementations)
    registry = ScriptedRegistry({service.component.name: {channel: url} for service in hosted})
    return ServiceManager(registry, network.channel_factory, catalog=catalog)


class InMemoryNetwork:
    """Servers of this process, and the channels by which managers reach them. Safe to use from several threads.

    A manager uses it when it is made with its :attr:`channel_factory` and a registry that knows its addresses.
    """

    def __init__(
        self, *, faults: FaultPlan | None = None, expose_errors: bool = False, catalog: Catalog = default_catalog
    ) -> None:
        self.faults = faults or FaultPlan()
        """What goes wrong on the way to all servers."""
        self.channel_factory: ChannelFactory = ChannelFactory(create=self._create, catalog=_CHANNELS)
        """Makes the channels ``dispatch-json`` and ``dispatch-msgpack`` of this network."""
        self._expose_errors = expose_errors
        self._catalog = catalog
        self._servers: dict[str, InMemoryServer] = {}
        self._numbers = itertools.count(1)

    def start(self, *implementations: object, url: str = "") -> str:
        """Serve the implementations; gives the address, a new one unless ``url`` is given.

        Raises DeclarationException if an object implements no service of a component.
        """
        address = url or f"memory://{next(self._numbers)}"
        self._servers[address] = InMemoryServer(self.hosted(implementations), expose_errors=self._expose_errors)
        return address

    def stop(self, url: str) -> None:
        """Stop a server as if its process was killed: calls in flight get no answer, later ones no connection."""
        self._servers.pop(url, None)

    def hosted(self, implementations: tuple[object, ...]) -> list[HostedService]:
        """The services of components that the objects implement. Raises DeclarationException."""
        manager = ServiceManager(LocalComponentRegistry(), implementations=implementations, catalog=self._catalog)
        return manager.hosted_services()

    def reach(self, url: str) -> InMemoryServer | None:
        """The server at an address, None if there is none."""
        return self._servers.get(url)

    def _create(self, cls: type[Any]) -> Any:
        return cls(self) if issubclass(cls, _InMemoryChannel) else cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One call, its arguments already written; used by one thread or task."""

    plan: MethodPlan
    codec: Codec
    attempts: Attempts
    context: CallContext
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
        return context_to_headers(self.context)

    def waiting(self, delay: float) -> float:
        """How long to wait for a request to arrive: that long, or until nobody waits any more."""
        remaining = self.attempts.deadline.remaining
        if math.isinf(delay) and math.isinf(remaining):
            raise LocalServiceException(
                f"{self.where}: the request is dropped and the call has no deadline, so it would never end; "
                f"give it one with deadline(...)"
            )
        return min(delay, remaining)

    def late(self) -> DeadlineExceeded:
        """The error at the end of its time."""
        return DeadlineExceeded(f"{self.where}: no answer before the deadline of the call")

    def outcome(self, reply: Reply) -> Any:
        """The result, or the error that the caller gets; raises it if another server may know better."""
        answer = self.codec.read_response(self.plan, reply.body)
        if not isinstance(answer, WireError):
            return answer
        error = error_from_wire(answer, where=self.where, declared=self.plan.errors, refused=reply.refused)
        if reply.refused and isinstance(error, ServiceCommunicationException):
            raise error
        return _Raised(error)


@dataclass(frozen=True, slots=True)
class _Raised:
    """An error as the outcome of a call."""

    error: Exception


class _InMemoryChannel(Channel):
    """Reaches the servers of a network."""

    codec: ClassVar[Codec]

    def __init__(self, network: InMemoryNetwork) -> None:
        super().__init__()
        self._network = network
        self._plans: dict[MethodDescriptor, MethodPlan] = {}
        self._closed = False

    def close(self) -> None:
        """Later calls fail."""
        self._closed = True

    def invoke(self, invocation: Invocation) -> Any:
        """Carry out the call of a ``def`` method, in this thread."""
        call, outcome = self._prepare(invocation), _NONE_YET
        while outcome is _NONE_YET:
            with call.attempt() as url:
                outcome = call.outcome(self._send(call, url))
        return _unwrap(outcome)

    async def invoke_async(self, invocation: Invocation) -> Any:
        """Carry out the call of an ``async def`` method, in a task of its own."""
        call, outcome = self._prepare(invocation), _NONE_YET
        deadline = call.attempts.deadline
        limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
        try:
            async with limit:
                while outcome is _NONE_YET:
                    with call.attempt() as url:
                        outcome = call.outcome(await self._send_async(call, url))
        except TimeoutError:
            if not limit.expired():
                raise
            raise call.late() from None
        return _unwrap(outcome)

    def _send(self, call: _Call, url: str) -> Reply:
        fate, server = self._connect(call, url)
        if fate.delay:
            time.sleep(call.waiting(fate.delay))
        if call.attempts.deadline.expired:
            raise call.late()
        reply = server.answer(call.codec, call.headers(), call.body)
        self._check_answer(call, url, fate, server)
        return reply

    async def _send_async(self, call: _Call, url: str) -> Reply:
        fate, server = self._connect(call, url)
        if fate.delay:
            await asyncio.sleep(call.waiting(fate.delay))
        reply = await server.answer_async(call.codec, call.headers(), call.body)
        self._check_answer(call, url, fate, server)
        return reply

    def _connect(self, call: _Call, url: str) -> tuple[Fate, InMemoryServer]:
        if self._closed:
            raise LocalServiceException(f"{call.where}: the channel was closed before the call")
        fate = self._network.faults.next(call.plan.method, url)
        server = self._network.reach(url)
        if server is None or fate.refused:
            raise ServiceCommunicationException(f"{call.where} at {url}: cannot connect")
        return fate, server

    def _check_answer(self, call: _Call, url: str, fate: Fate, server: InMemoryServer) -> None:
        if fate.answer_lost or self._network.reach(url) is not server:
            raise ServiceCommunicationException(
                f"{call.where} at {url}: the connection was lost before the answer was complete; the call may have run",
                may_have_run=True,
            )

    def _prepare(self, invocation: Invocation) -> _Call:
        plan = self._plan(invocation)
        attempts = self.attempts(plan.method)
        outer = current_context()
        return _Call(
            plan=plan,
            codec=self.codec,
            attempts=attempts,
            context=CallContext(
                deadline=attempts.deadline,
                correlation_id=outer.correlation_id or new_correlation_id(),
                traceparent=outer.traceparent,
                baggage=outer.baggage,
            ),
            body=self.codec.write_request(plan, invocation.arguments()),
            where=f"{plan.method.where} of component '{self.component_descriptor.name}'",
        )

    def _plan(self, invocation: Invocation) -> MethodPlan:
        method = invocation.descriptor
        plan = self._plans.get(method)
        if plan is None:
            plan = self._plans.setdefault(method, MethodPlan(self.component_descriptor, invocation.service, method))
        return plan


class _InMemoryJSONChannel(_InMemoryChannel):
    codec = JSON


class _InMemoryMSGPackChannel(_InMemoryChannel):
    codec = MSGPACK


_NONE_YET: Final[Any] = object()

# A catalog of their own: nobody else is to find them.
_CHANNELS: Final = Catalog()
_CHANNELS.add_channel("dispatch-json", _InMemoryJSONChannel)
_CHANNELS.add_channel("dispatch-msgpack", _InMemoryMSGPackChannel)


def _unwrap(outcome: Any) -> Any:
    if isinstance(outcome, _Raised):
        raise outcome.error
    return outcome
