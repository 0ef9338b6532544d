"""The contract of the instances of a channel, as tests to inherit: deadlines, retries, balancing and events.

``Channel.run`` and ``run_async`` keep it for every channel that calls them. :class:`ChannelContract` adds values and
errors.
"""

# ruff: noqa: S101 - asserting is what this is for

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, ClassVar, TypeVar

from service_core.calling.service_manager import ServiceManager
from service_core.context import deadline
from service_core.declaring.catalog import default_catalog
from service_core.errors import (
    ComponentUnavailableException,
    DeadlineExceeded,
    ServiceCommunicationException,
)
from service_core.observing import observe_attempts
from service_core.registry.base import ComponentRegistry
from service_core.resilience.events import CallEvent, CallEventKind
from service_core.testing.contract_service import ContractService, Seen
from service_core.testing.contract_values import SPECIMENS
from service_core.testing.scripted_registry import ScriptedRegistry

E = TypeVar("E", bound=Exception)

_COMPONENT = default_catalog.component_of(ContractService).name


class InstanceContract:
    """Which instance gets a call, until when, and what observers see."""

    channel: ClassVar[str]
    """The name of the channel in addresses."""
    dead_address: ClassVar[str] = "http://127.0.0.1:1"
    """An address at which no server listens."""

    def server(self) -> AbstractContextManager[str]:
        """The address of a server that hosts a ``ContractServiceImpl()`` of its own.

        It runs for the duration of the block, and no other block uses it meanwhile; tests do not depend on
        earlier calls.
        """
        raise NotImplementedError

    def manager(self, registry: ComponentRegistry) -> ServiceManager:
        """A manager that can create the channel."""
        return ServiceManager(registry)

    # deadlines

    def test_a_call_ends_at_its_deadline(self) -> None:
        with self._service() as service:
            with deadline(0.05):
                raised(DeadlineExceeded, lambda: asyncio.run(service.wait("never released")))
            assert service.add(1) == 2

    def test_a_call_whose_deadline_has_passed_is_not_sent(self) -> None:
        with self._service() as service:
            with deadline(0):
                raised(DeadlineExceeded, lambda: service.count("late"))
            assert service.count("late") == 1

    # addresses

    def test_a_component_without_instances_is_unavailable_until_one_is_registered(self) -> None:
        registry = ScriptedRegistry()
        with self.manager(registry) as manager, self.server() as url:
            service = manager.get_service(ContractService)
            for call in (service.identity, lambda: asyncio.run(service.seen_async())):
                error = raised(ComponentUnavailableException, call)
                assert _COMPONENT in str(error)
                assert not error.may_have_run
            self._offer(registry, url)
            assert service.add(1) == 2
            registry.withdraw(_COMPONENT)
            raised(ComponentUnavailableException, service.identity)
            self._offer(registry, url)
            assert service.add(1) == 2

    def test_calls_go_to_the_instances_that_the_registry_reports(self) -> None:
        registry = ScriptedRegistry()
        with self.manager(registry) as manager, ExitStack() as servers:
            service = manager.get_service(ContractService)
            identities = set()
            for url in [servers.enter_context(self.server()) for _ in range(2)]:
                self._offer(registry, url)
                identities.add(service.identity())
                assert len({service.identity() for _ in range(5)}) == 1
            assert len(identities) == 2

    def test_all_instances_get_calls(self) -> None:
        registry = ScriptedRegistry()
        with self.manager(registry) as manager, self.server() as one, self.server() as other:
            self._offer(registry, one, other)
            service = manager.get_service(ContractService)
            assert len({service.identity() for _ in range(50)}) == 2

    def test_an_instance_that_cannot_be_reached_is_passed_over(self) -> None:
        registry = ScriptedRegistry()
        with self.manager(registry) as manager, self.server() as url:
            self._offer(registry, self.dead_address, url)
            service = manager.get_service(ContractService)
            assert [service.count("over") for _ in range(10)] == [*range(1, 11)]
            assert isinstance(asyncio.run(service.seen_async()), Seen)

    def test_the_error_says_that_nothing_ran_if_no_instance_can_be_reached(self) -> None:
        registry = ScriptedRegistry()
        self._offer(registry, self.dead_address)
        with self.manager(registry) as manager:
            service = manager.get_service(ContractService)
            for call in (service.identity, lambda: asyncio.run(service.seen_async())):
                assert not raised(ServiceCommunicationException, call).may_have_run

    # events

    def test_observers_see_every_attempt(self) -> None:
        registry, events = ScriptedRegistry(), list[CallEvent]()
        end = observe_attempts(events.append)
        try:
            with self.manager(registry) as manager, self.server() as url:
                self._offer(registry, self.dead_address, url)
                service = manager.get_service(ContractService)
                for _ in range(50):  # a selector that chooses at random does not choose one instance alone
                    service.identity()
        finally:
            end()
        own = [event for event in events if event.component == _COMPONENT]
        kinds = Counter(event.kind for event in own)
        assert kinds[CallEventKind.ANSWERED] == 50
        assert kinds[CallEventKind.FAILED] == kinds[CallEventKind.RETRIED] > 0
        assert {event.url for event in own if event.kind is CallEventKind.FAILED} == {self.dead_address}

    # concurrency and closing

    def test_threads_get_their_own_answers(self) -> None:
        with self._service() as service, ThreadPoolExecutor(8) as pool:
            assert list(pool.map(service.add, range(200))) == [*range(1, 201)]

    def test_tasks_get_their_own_answers(self) -> None:
        async def echo_all() -> list[Any]:
            values = [SPECIMENS[index % len(SPECIMENS)] for index in range(100)]
            return [values, list(await asyncio.gather(*(service.echo_async(value) for value in values)))]

        with self._service() as service:
            sent, received = asyncio.run(echo_all())
            assert received == sent

    def test_calls_work_on_one_event_loop_after_another(self) -> None:
        with self._service() as service:
            for _ in range(3):
                assert asyncio.run(service.echo_async(SPECIMENS[0])) == SPECIMENS[0]

    def test_a_cancelled_call_leaves_the_channel_usable(self) -> None:
        async def cancel_and_call() -> None:
            waiting = asyncio.create_task(service.wait("cancelled"))
            await service.seen_async()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            assert waiting.cancelled()
            await service.release("cancelled")  # a server may go on until then

        with self._service() as service:
            asyncio.run(cancel_and_call())

    def test_after_the_manager_is_closed_calls_fail(self) -> None:
        with self._service() as service:
            service.identity()
        raised(ComponentUnavailableException, service.identity)

    @contextmanager
    def _service(self) -> Iterator[ContractService]:
        registry = ScriptedRegistry()
        with self.server() as url, self.manager(registry) as manager:
            self._offer(registry, url)
            yield manager.get_service(ContractService)

    def _offer(self, registry: ScriptedRegistry, *urls: str) -> None:
        registry.offer(_COMPONENT, {self.channel: urls})


def raised(kind: type[E], call: Callable[[], object]) -> E:
    """The exception of a class that a call raises; an AssertionError if it returns."""
    try:
        result = call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected, but the call returned {result!r}")
