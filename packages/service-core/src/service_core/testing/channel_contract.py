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
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from service_core.context import CallContext, call_context, deadline
from service_core.declaring.catalog import default_catalog
from service_core.errors import (
    ArgumentException,
    AuthorizationException,
    ContractMismatchException,
    ErrorCode,
    MissingTokenException,
    RemoteServiceException,
)
from service_core.testing.contract_service import AbsentService, OutOfStock, Seen
from service_core.testing.contract_values import SPECIMENS
from service_core.testing.instance_contract import InstanceContract, raised
from service_core.testing.scripted_registry import ScriptedRegistry

_ABSENT = default_catalog.component_of(AbsentService).name
_TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class ChannelContract(InstanceContract):
    """The guarantees of every channel."""

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
            refused = raised(ArgumentException, lambda: service.count(cast(str, 5)))
            assert "ContractService.count" in str(refused)
            assert "key" in str(refused)
            assert service.count("5") == 1

    # errors

    def test_a_declared_error_arrives_as_it_is(self) -> None:
        with self._service() as service:
            for buy in (service.buy, lambda item: asyncio.run(service.buy_async(item))):
                error = raised(OutOfStock, lambda buy=buy: buy("tea"))  # type: ignore[misc]
                assert (error.item, error.left) == ("tea", Decimal("0.50"))

    def test_another_error_arrives_without_its_message(self) -> None:
        with self._service() as service:
            for fail in _both(service.fail, service.fail_async):
                for kind, name in (("secret", "RuntimeError"), ("empty", "ValueError")):
                    error = raised(RemoteServiceException, lambda fail=fail, kind=kind: fail(kind))  # type: ignore[misc]
                    assert (error.type, error.code) == (name, ErrorCode.INTERNAL)
                    assert "hunter2" not in str(error) + repr(error.details)
                    assert error.correlation_id

    def test_what_the_implementation_has_cancelled_is_no_cancellation_of_the_call(self) -> None:
        with self._service() as service:
            for fail in _both(service.fail, service.fail_async):
                error = raised(RemoteServiceException, lambda fail=fail: fail("cancelled"))  # type: ignore[misc]
                assert error.code is ErrorCode.INTERNAL

    def test_a_refused_caller_learns_why(self) -> None:
        with self._service() as service:
            for fail in _both(service.fail, service.fail_async):
                missing = raised(MissingTokenException, lambda fail=fail: fail("missing token"))  # type: ignore[misc]
                denied = raised(AuthorizationException, lambda fail=fail: fail("denied"))  # type: ignore[misc]
                assert missing.code is ErrorCode.UNAUTHENTICATED
                assert (type(denied), denied.code) == (AuthorizationException, ErrorCode.PERMISSION_DENIED)

    def test_a_result_of_a_wrong_type_is_an_error_of_the_server(self) -> None:
        with self._service() as service:
            assert raised(RemoteServiceException, service.misfit).code is ErrorCode.INTERNAL

    def test_a_service_that_the_server_does_not_have_is_a_contract_mismatch(self) -> None:
        with self.server() as url, self.manager(ScriptedRegistry({_ABSENT: {self.channel: url}})) as manager:
            error = raised(ContractMismatchException, manager.get_service(AbsentService).run)
            assert (error.code, error.may_have_run) == (ErrorCode.NOT_FOUND, False)

    # context

    def test_the_deadline_and_the_ids_of_a_call_travel(self) -> None:
        with self._service() as service:
            for see in (service.seen, lambda: asyncio.run(service.seen_async())):
                with call_context(CallContext(correlation_id="contract-1", traceparent=_TRACE)), deadline(5.0):
                    seen: Seen = see()
                assert (seen.correlation_id, seen.traceparent) == ("contract-1", _TRACE)
                assert seen.remaining is not None
                assert 0 < seen.remaining <= 5.0


def _both(sync: Callable[[str], None], asynchronous: Callable[[str], Any]) -> list[Callable[[str], None]]:
    return [sync, lambda kind: asyncio.run(asynchronous(kind))]
