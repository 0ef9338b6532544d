"""The log of a failure belongs to its call."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace

import pytest

from service_core import (
    Catalog,
    Component,
    RemoteServiceException,
    Service,
    call_context,
    component,
    current_context,
    service,
)
from service_core.testing import in_memory

CATALOG = Catalog()


@service(name="mirror", catalog=CATALOG)
class Mirror(Service):
    @abstractmethod
    def fail(self) -> None: ...

    @abstractmethod
    async def fail_async(self) -> None: ...


@component(name="mirrors", services=[Mirror], catalog=CATALOG)
class Mirrors(Component): ...


class MirrorImpl(Mirror):
    def fail(self) -> None:
        logging.getLogger("mirror").warning("about to fail")
        raise ValueError("broken")

    async def fail_async(self) -> None:
        self.fail()


class Ids(logging.Handler):
    """Notes the correlation id that is current where a line is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str | None]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append((record.name, current_context().correlation_id))


@pytest.fixture
def ids() -> Iterator[Ids]:
    handler = Ids()
    loggers = [logging.getLogger(name) for name in ("mirror", "service.dispatch")]
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)


async def test_lines_of_the_method_and_of_its_failure_have_the_callers_id(ids: Ids) -> None:
    with in_memory(MirrorImpl(), catalog=CATALOG) as manager:
        mirror = manager.get_service(Mirror)
        with call_context(replace(current_context(), correlation_id="order-7")):
            with pytest.raises(RemoteServiceException):
                mirror.fail()
            with pytest.raises(RemoteServiceException):
                await mirror.fail_async()

    assert ids.found == [("mirror", "order-7"), ("service.dispatch", "order-7")] * 2
