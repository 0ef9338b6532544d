"""Calls through real sockets: values, errors, arguments, and many at once."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service_core import (
    ArgumentException,
    DeadlineExceeded,
    ErrorCode,
    RemoteServiceException,
    ServiceManager,
    deadline,
)
from tests.integration.calls.catalogue import CHANNELS, CatalogueService, Everything, OutOfStock, Point

pytestmark = pytest.mark.parametrize("channel", CHANNELS)

# What is not finite is refused; that has tests of its own.
points = st.builds(Point, st.integers(), st.floats(allow_nan=False, allow_infinity=False))
# An integer that is an item of a set has at most 64 bits.
tables = st.dictionaries(st.text(), st.lists(st.sets(st.integers(-(2**63), 2**64 - 1))))
leaves = st.builds(
    Everything,
    price=st.decimals(allow_nan=False, allow_infinity=False, places=3),
    point=points,
    table=tables,
    children=st.just([]),
)
everything = st.builds(
    Everything.model_copy, leaves, update=st.fixed_dictionaries({"children": st.lists(leaves, max_size=2)})
)
socket_settings = settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@socket_settings
@given(value=everything)
def test_every_type_comes_back_as_it_was_sent(manager: ServiceManager, channel: str, value: Everything) -> None:
    catalogue = manager.get_service(CatalogueService, channel)
    assert catalogue.echo(value) == value


def test_async_methods_carry_every_type(manager: ServiceManager, channel: str) -> None:
    @socket_settings
    @given(value=everything)
    def check(value: Everything) -> None:
        catalogue = manager.get_service(CatalogueService, channel)
        assert asyncio.run(catalogue.echo_async(value)) == value

    check()


def test_arguments_by_position_by_name_and_by_default(manager: ServiceManager, channel: str) -> None:
    catalogue = manager.get_service(CatalogueService, channel)
    assert catalogue.add(1) == 2
    assert catalogue.add(1, 2) == 3
    assert catalogue.add(second=5, first=1, third=10) == 16
    with pytest.raises(TypeError, match="missing a required argument: 'first'"):
        catalogue.add()  # type: ignore[call-arg]


def test_a_wrong_value_is_refused_before_it_is_sent(manager: ServiceManager, channel: str) -> None:
    catalogue = manager.get_service(CatalogueService, channel)
    with pytest.raises(ArgumentException, match=r"CatalogueService\.add: second: Input should be a valid integer"):
        catalogue.add(1, "two")  # type: ignore[arg-type]


def test_a_declared_error_arrives_with_its_fields(manager: ServiceManager, channel: str) -> None:
    with pytest.raises(OutOfStock) as caught:
        manager.get_service(CatalogueService, channel).buy("tea")
    assert (caught.value.item, caught.value.left) == ("tea", Decimal("0.50"))


def test_another_error_arrives_without_its_secret(
    manager: ServiceManager, channel: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "service.dispatch"), pytest.raises(RemoteServiceException) as caught:
        manager.get_service(CatalogueService, channel).secret_failure()
    error = caught.value
    assert (error.type, error.code) == ("RuntimeError", ErrorCode.INTERNAL)
    assert "hunter2" not in str(error) + repr(error.details)
    assert error.correlation_id is not None
    assert [record.correlation_id for record in caplog.records] == [error.correlation_id]  # type: ignore[attr-defined]


def test_the_deadline_of_a_block_ends_a_call(manager: ServiceManager, channel: str) -> None:
    catalogue = manager.get_service(CatalogueService, channel)
    with deadline(0.2), pytest.raises(DeadlineExceeded):
        catalogue.sleep(1.0)


def test_sixteen_threads_get_their_own_answers(manager: ServiceManager, channel: str) -> None:
    catalogue = manager.get_service(CatalogueService, channel)

    def work(thread: int) -> list[int]:
        return [catalogue.add(thread * 1000, call) for call in range(50)]

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(work, range(16)))
    assert answers == [[thread * 1000 + call for call in range(50)] for thread in range(16)]


async def test_two_hundred_tasks_get_their_own_answers(manager: ServiceManager, channel: str) -> None:
    catalogue = manager.get_service(CatalogueService, channel)
    answers = await asyncio.gather(*(catalogue.add_async(task, third=task) for task in range(200)))
    assert answers == [2 * task + 1 for task in range(200)]
    await manager.aclose()


async def test_a_blocking_method_does_not_hold_up_an_async_one(manager: ServiceManager, channel: str) -> None:
    catalogue = manager.get_service(CatalogueService, channel)
    waiting = asyncio.create_task(asyncio.to_thread(catalogue.wait_for_release))
    await catalogue.release()  # answered although the other method blocks, or that one would never end
    assert await waiting == "released"
    await manager.aclose()
