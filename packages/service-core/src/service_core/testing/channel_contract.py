"""The contract of every channel, as tests to inherit.

A class of tests for a channel derives from :class:`ChannelContract`, in a file that pytest collects, and creates a
server that the channel can reach::

    class TestMyChannel(ChannelContract):
        channel = "my-channel"

        @contextmanager
        def server(self):
            with MyServer(ContractServiceImpl()) as server:
                yield server.url

Nothing here needs pytest to be installed.
"""

# ruff: noqa: S101 - asserting is what this is for

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from decimal import Decimal
from typing import Any, ClassVar, TypeVar, cast

from service_core.calling.service_manager import ServiceManager
from service_core.context import CallContext, call_context, deadline
from service_core.declaring.catalog import default_catalog
from service_core.errors import (
    ArgumentException,
    AuthorizationException,
    ComponentUnavailableException,
    ContractMismatchException,
    DeadlineExceeded,
    ErrorCode,
    MissingTokenException,
    RemoteServiceException,
    ServiceCommunicationException,
)
from service_core.registry.base import ComponentRegistry
from service_core.testing.contract_service import AbsentService, ContractService, OutOfStock, Seen
from service_core.testing.contract_values import SPECIMENS
from service_core.testing.scripted_registry import ScriptedRegistry

__all__ = ["ChannelContract"]

E = TypeVar("E", bound=Exception)

_COMPONENT = default_catalog.component_of(ContractService).name
_ABSENT = default_catalog.component_of(AbsentService).name
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class ChannelContract:
    """The guarantees of every channel."""

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

    # values

    def test_values_come_back_as_they_were_sent(self) -> None:
        with self._service() as service:
            assert [service.echo(value) for value in SPECIMENS] == [*SPECIMENS]

    def test_async_methods_carry_the_same_values(self) -> None:
        async def echo_all() -> list[Any]:
            return [await service.echo_async(value) for value in SPECIMENS]

        with self._service() as service:
            assert asyncio.run(echo_all()) == [*SPECIMENS]

    def test_arguments_are_given_by_position_by_name_and_by_default(self) -> None:
        with self._service() as service:
            assert service.add(1) == 2
            assert service.add(1, 2) == 3
            assert service.add(second=5, first=1, third=10) == 16

    def test_arguments_are_validated_before_anything_is_sent(self) -> None:
        with self._service() as service:
            refused = _raised(ArgumentException, lambda: service.count(cast(str, 5)))
            assert "ContractService.count" in str(refused)
            assert "key" in str(refused)
            assert service.count("5") == 1

    # errors

    def test_a_declared_error_arrives_as_it_is(self) -> None:
        with self._service() as service:
            for buy in (service.buy, lambda item: asyncio.run(service.buy_async(item))):
                error = _raised(OutOfStock, lambda buy=buy: buy("tea"))  # type: ignore[misc]
                assert (error.item, error.left) == ("tea", Decimal("0.50"))

    def test_another_error_arrives_without_its_message(self) -> None:
        with self._service() as service:
            for fail in _both(service.fail, service.fail_async):
                for kind, name in (("secret", "RuntimeError"), ("empty", "ValueError")):
                    error = _raised(RemoteServiceException, lambda fail=fail, kind=kind: fail(kind))  # type: ignore[misc]
                    assert (error.type, error.code) == (name, ErrorCode.INTERNAL)
                    assert "hunter2" not in str(error) + repr(error.details)
                    assert error.correlation_id

    def test_what_the_implementation_has_cancelled_is_no_cancellation_of_the_call(self) -> None:
        with self._service() as service:
            for fail in _both(service.fail, service.fail_async):
                error = _raised(RemoteServiceException, lambda fail=fail: fail("cancelled"))  # type: ignore[misc]
                assert error.code is ErrorCode.INTERNAL

    def test_a_refused_caller_learns_why(self) -> None:
        with self._service() as service:
            for fail in _both(service.fail, service.fail_async):
                missing = _raised(MissingTokenException, lambda fail=fail: fail("missing token"))  # type: ignore[misc]
                denied = _raised(AuthorizationException, lambda fail=fail: fail("denied"))  # type: ignore[misc]
                assert missing.code is ErrorCode.UNAUTHENTICATED
                assert (type(denied), denied.code) == (AuthorizationException, ErrorCode.PERMISSION_DENIED)

    def test_a_result_of_a_wrong_type_is_an_error_of_the_server(self) -> None:
        with self._service() as service:
            assert _raised(RemoteServiceException, service.misfit).code is ErrorCode.INTERNAL

    def test_a_service_that_the_server_does_not_have_is_a_contract_mismatch(self) -> None:
        with self.server() as url, self.manager(ScriptedRegistry({_ABSENT: {self.channel: url}})) as manager:
            error = _raised(ContractMismatchException, manager.get_service(AbsentService).run)
            assert (error.code, error.may_have_run) == (ErrorCode.NOT_FOUND, False)

    # deadlines and context

    def test_a_call_ends_at_its_deadline(self) -> None:
        with self._service() as service:
            with deadline(0.05):
                _raised(DeadlineExceeded, lambda: asyncio.run(service.wait("nobody")))
            assert service.add(1) == 2

    def test_a_call_whose_time_is_up_is_not_sent(self) -> None:
        with self._service() as service:
            with deadline(0):
                _raised(DeadlineExceeded, lambda: service.count("late"))
            assert service.count("late") == 1

    def test_the_deadline_and_the_ids_of_a_call_travel(self) -> None:
        with self._service() as service:
            for ask in (service.seen, lambda: asyncio.run(service.seen_async())):
                with call_context(CallContext(correlation_id="contract-1", traceparent=_TRACE)), deadline(5.0):
                    seen: Seen = ask()
                assert (seen.correlation_id, seen.traceparent) == ("contract-1", _TRACE)
                assert seen.remaining is not None
                assert 0 < seen.remaining <= 5.0

    # addresses

    def test_a_component_that_nobody_offers_is_unavailable_until_somebody_does(self) -> None:
        registry = ScriptedRegistry()
        with self.manager(registry) as manager, self.server() as url:
            service = manager.get_service(ContractService)
            for call in (service.identity, lambda: asyncio.run(service.seen_async())):
                error = _raised(ComponentUnavailableException, call)
                assert _COMPONENT in str(error)
                assert not error.may_have_run
            self._offer(registry, url)
            assert service.add(1) == 2
            registry.withdraw(_COMPONENT)
            _raised(ComponentUnavailableException, service.identity)
            self._offer(registry, url)
            assert service.add(1) == 2

    def test_calls_go_where_the_registry_says(self) -> None:
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
            assert asyncio.run(service.seen_async()).correlation_id

    def test_if_none_can_be_reached_the_error_says_that_nothing_ran(self) -> None:
        registry = ScriptedRegistry()
        self._offer(registry, self.dead_address)
        with self.manager(registry) as manager:
            service = manager.get_service(ContractService)
            for call in (service.identity, lambda: asyncio.run(service.seen_async())):
                assert not _raised(ServiceCommunicationException, call).may_have_run

    # concurrency and closing

    def test_threads_get_their_own_answers(self) -> None:
        with self._service() as service, ThreadPoolExecutor(8) as pool:
            assert list(pool.map(service.add, range(200))) == [*range(1, 201)]

    def test_tasks_get_their_own_answers(self) -> None:
        async def ask() -> list[Any]:
            values = [SPECIMENS[index % len(SPECIMENS)] for index in range(100)]
            return [values, list(await asyncio.gather(*(service.echo_async(value) for value in values)))]

        with self._service() as service:
            sent, received = asyncio.run(ask())
            assert received == sent

    def test_event_loops_may_come_and_go(self) -> None:
        with self._service() as service:
            for _ in range(3):
                assert asyncio.run(service.echo_async(SPECIMENS[0])) == SPECIMENS[0]

    def test_a_cancelled_call_does_no_harm(self) -> None:
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
        _raised(ComponentUnavailableException, service.identity)

    @contextmanager
    def _service(self) -> Iterator[ContractService]:
        registry = ScriptedRegistry()
        with self.server() as url, self.manager(registry) as manager:
            self._offer(registry, url)
            yield manager.get_service(ContractService)

    def _offer(self, registry: ScriptedRegistry, *urls: str) -> None:
        registry.offer(_COMPONENT, {self.channel: urls})


def _both(sync: Callable[[str], None], asynchronous: Callable[[str], Any]) -> list[Callable[[str], None]]:
    return [sync, lambda kind: asyncio.run(asynchronous(kind))]


def _raised(kind: type[E], call: Callable[[], object]) -> E:
    try:
        result = call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was expected, but the call returned {result!r}")
