"""Large values are read and written without the garbage collector, in memory that is kept for the next one."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pydantic import BaseModel

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.wire import JSON, MSGPACK, Codec, MethodCodec
from service_core.wire.bounds.garbage_collection import without_collection


class Page(BaseModel):
    number: int
    lines: list[str]


class Library(Service):
    @abstractmethod
    def keep(self, pages: list[Page]) -> list[Page]: ...


SERVICE = describe_service(Library, "library", "")
COMPONENT = ComponentDescriptor(name="test", type=object, description="", services=(SERVICE,))
KEEP = MethodCodec(COMPONENT, SERVICE, SERVICE.methods["keep"])
PAGES = [Page(number=number, lines=["one", "two"]) for number in range(10_000)]
REQUESTS = {codec: codec.write_request(KEEP, (PAGES,)) for codec in (JSON, MSGPACK)}
RESPONSES = {codec: codec.write_result(KEEP, PAGES) for codec in (JSON, MSGPACK)}


def read(codec: Codec) -> Any:
    return codec.read_arguments(KEEP, codec.read_request(REQUESTS[codec]))


def answer(codec: Codec) -> Any:
    return codec.read_response(KEEP, RESPONSES[codec])


def write(codec: Codec) -> Any:
    return codec.write_request(KEEP, (PAGES,))


@contextmanager
def collections() -> Iterator[list[str]]:
    """What the collector does inside the block."""
    gc.collect()
    seen: list[str] = []

    def note(phase: str, _: object) -> None:
        seen.append(phase)

    gc.callbacks.append(note)
    try:
        yield seen
    finally:
        gc.callbacks.remove(note)


@pytest.mark.parametrize("work", [read, answer, write])
@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])
def test_a_large_value_is_not_looked_through_while_it_is_made(codec: Codec, work: Callable[[Codec], Any]) -> None:
    with collections() as seen:
        work(codec)
    assert seen.count("start") <= 2  # afterwards, when what is left is counted


@pytest.mark.parametrize("codec", [JSON, MSGPACK], ids=["json", "msgpack"])
def test_it_is_read_all_the_same(codec: Codec) -> None:
    assert read(codec) == (PAGES,)
    assert answer(codec) == PAGES


def test_the_collector_is_off_during_the_work_and_on_afterwards() -> None:
    assert without_collection(lambda: gc.isenabled()) is False
    assert gc.isenabled()


def test_it_is_on_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError):
        without_collection(divmod, 1, 0)
    assert gc.isenabled()


def test_garbage_collection_that_is_switched_off_stays_off() -> None:
    gc.disable()
    try:
        assert without_collection(max, 1, 2) == 2
        assert not gc.isenabled()
    finally:
        gc.enable()


# In a process of its own, whose allocator has learnt nothing from other tests.
PROGRAM = """
import resource

import service_core.wire

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def values():
    for number in range(5):
        yield bytes([number]) * 1_000_000

list(values())
before = faults()
for _ in range(10):
    list(values())
print(faults() - before)
"""


def test_memory_of_large_values_is_kept_for_the_next_ones() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True)
    assert int(done.stdout) < 1000 or platform.libc_ver()[0] != "glibc"  # else 1,000 pages each time
