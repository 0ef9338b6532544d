"""Retries along a chain of services: each one retries its own calls only, so their numbers do not multiply."""

from __future__ import annotations

from abc import abstractmethod

import pytest

from service_channels_http import Connection, connect
from service_core import Policy, RemoteServiceException, Service, idempotent, service
from service_server_fastapi import serve
from tests.chaos.busy_server import BusyServer

ATTEMPTS = Policy(max_attempts=3, backoff=0.0)


@service(name="chain-last")
class Last(Service):
    @abstractmethod
    @idempotent
    async def read(self) -> str: ...


@service(name="chain-middle")
class Middle(Service):
    @abstractmethod
    @idempotent
    async def read(self) -> str: ...


@service(name="chain-first")
class First(Service):
    @abstractmethod
    @idempotent
    async def read(self) -> str: ...


class MiddleImpl(Middle):
    def __init__(self, last: Connection[Last]) -> None:
        self.last = last.service

    async def read(self) -> str:
        return await self.last.read()


class FirstImpl(First):
    def __init__(self, middle: Connection[Middle]) -> None:
        self.middle = middle.service

    async def read(self) -> str:
        return await self.middle.read()


async def test_a_call_through_three_services_is_retried_by_the_last_caller_only() -> None:
    with BusyServer() as busy:
        last = connect(Last, busy.url, policy=ATTEMPTS)
        with serve(MiddleImpl(last), port=0) as second:
            middle = connect(Middle, second.url, policy=ATTEMPTS)
            with serve(FirstImpl(middle), port=0) as first:
                async with connect(First, first.url, policy=ATTEMPTS) as service:
                    with pytest.raises(RemoteServiceException) as caught:
                        await service.read()
    assert caught.value.downstream
    assert busy.requests == 3
