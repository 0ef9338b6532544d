"""Large results, which are written in other threads than the event loop's."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections import deque
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from service_core import Component, LocalComponentRegistry, Service, ServiceManager, component, implementation, service
from service_core.context import CallContext
from service_core.declaring.catalog import Catalog
from service_core.dispatch import Executor, Target, ThreadPool, targets_of
from service_core.wire.bounds.garbage_collection import has_many_values

MANY = list(range(5000))

catalog = Catalog()


@service(catalog=catalog)
class Archive(Service):
    @abstractmethod
    def read(self, count: int) -> list[int]: ...

    @abstractmethod
    async def find(self, count: int) -> list[int]: ...


@component(services=[Archive], catalog=catalog)
class ArchiveComponent(Component): ...


@implementation(catalog=catalog)
class ArchiveImpl(Archive):
    def read(self, count: int) -> list[int]:
        return MANY[:count]

    async def find(self, count: int) -> list[int]:
        return MANY[:count]


@pytest.fixture
def targets() -> Iterator[dict[str, Target]]:
    with ServiceManager(LocalComponentRegistry(), implementations=[ArchiveImpl()], catalog=catalog) as manager:
        yield {one.method_codec.method.name: one for one in targets_of(manager.hosted_services())}


@pytest.mark.parametrize("method", ["read", "find"])
async def test_only_a_large_result_is_written_in_another_thread(targets: dict[str, Target], method: str) -> None:
    workers, writers, threads = ThreadPool(1), ThreadPool(1), list[bool]()

    def write(result: Any) -> bytes:
        threads.append(threading.current_thread() is threading.main_thread())
        return b"%d" % len(result)

    executor = Executor(workers, writers=writers)
    context = CallContext(correlation_id="a")
    assert await executor.carry_out(targets[method], (10,), write, context) == b"10"
    assert await executor.carry_out(targets[method], (5000,), write, context) == b"5000"
    writers.close()
    assert await executor.carry_out(targets[method], (5000,), write, context) == b"5000"
    assert threads == [True, False, True]
    workers.close()


@pytest.mark.parametrize(
    ("value", "is_large"),
    [
        (MANY, True),
        (set(MANY), True),
        (dict.fromkeys(MANY), True),
        ("a" * 2_000_000, True),
        (SimpleNamespace(name="a", page=SimpleNamespace(lines=MANY)), True),
        (SimpleNamespace(name="a", text="a" * 2_000_000), True),
        (SimpleNamespace(name="a", lines=deque(MANY)), True),
        (SimpleNamespace(name="a", count=1, page=None, lines=[1]), False),
        (SimpleNamespace(page=SimpleNamespace(page=SimpleNamespace(lines=MANY))), False),
        ([MANY], False),
        ("a", False),
        (None, False),
    ],
    ids=range(12),
)
def test_what_takes_long_to_write(value: Any, is_large: bool) -> None:
    assert has_many_values(value) is is_large
