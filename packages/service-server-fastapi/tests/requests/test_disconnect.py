"""Calls whose callers hang up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import archive
import pytest
from desk import World, serving, until
from raw_http import TIMEOUT, Connection, call, envelope
from ways import WAYS, Way

from service_server_fastapi import FastAPIServer, ServerSettings
from service_server_fastapi.requests.admission import Disconnected
from service_server_fastapi.requests.disconnect import while_connected


@pytest.fixture(scope="module")
def served(way: Way) -> Iterator[tuple[FastAPIServer, World]]:
    with serving(app=way()) as (server, world):
        yield server, world


def begin(url: str, method: str) -> Connection:
    connection = Connection(url)
    body = envelope(method)
    connection.head(content_length=len(body))
    connection.send(body)
    return connection


@WAYS
def test_an_async_method_is_cancelled_when_its_caller_disconnects(url: str, world: World) -> None:
    with begin(url, "linger"):
        assert world.desk.entered.acquire(timeout=TIMEOUT)
    assert world.desk.cancelled.wait(TIMEOUT)
    assert call(url, "echo", "a").json["result"] == "a"


@WAYS
def test_it_is_not_as_long_as_the_caller_waits(url: str, world: World) -> None:
    with begin(url, "linger") as patient:
        assert world.desk.entered.acquire(timeout=TIMEOUT)
        with begin(url, "linger"):
            assert world.desk.entered.acquire(timeout=TIMEOUT)
        assert world.desk.cancelled.wait(TIMEOUT)
        world.desk.release.set()
        assert patient.reply().json["result"] == "released"


@WAYS
def test_a_def_method_runs_to_its_end(url: str, world: World) -> None:
    with begin(url, "block"):
        assert world.desk.entered.acquire(timeout=TIMEOUT)
    world.desk.release.set()
    assert call(url, "echo", "a").json["result"] == "a"
    assert world.desk.runs == ["block", "echo"]


@WAYS
def test_a_rest_method_is_cancelled_too(way: Way) -> None:
    with archive.serving(way()) as served:
        with Connection(served.url) as connection:
            connection.head("POST", "/archive/linger", content_length=0)
            assert served.archive.entered.acquire(timeout=TIMEOUT)
        assert served.archive.cancelled.wait(TIMEOUT)


@WAYS
def test_the_place_of_a_disconnected_caller_is_free_again(way: Way) -> None:
    with serving(app=way(), settings=ServerSettings(max_concurrency=1)) as (server, world):
        with begin(server.url, "linger"):
            assert world.desk.entered.acquire(timeout=TIMEOUT)
            assert call(server.url, "echo", "a").status == 503
        assert world.desk.cancelled.wait(TIMEOUT)
        until(lambda: call(server.url, "echo", "a").status == 200)


# the wait itself


async def hung_up() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def test_work_that_waits_for_nothing_does_not_ask() -> None:
    async def asked() -> Any:
        raise AssertionError

    async def work() -> str:
        return "done"

    assert await while_connected(work(), asked) == "done"


async def test_an_error_of_the_work_is_raised() -> None:
    async def work() -> None:
        await asyncio.sleep(0)
        raise KeyError("a")

    with pytest.raises(KeyError):
        await while_connected(work(), hung_up)


async def test_a_disconnect_is_distinguished_from_a_cancellation() -> None:
    forever = asyncio.Event()
    with pytest.raises(Disconnected):
        await while_connected(forever.wait(), hung_up)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0

    async def patient() -> Any:
        await asyncio.Event().wait()

    waiting = asyncio.create_task(while_connected(forever.wait(), patient))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_nothing_is_left_behind() -> None:
    before = asyncio.all_tasks()
    with pytest.raises(Disconnected):
        await while_connected(asyncio.Event().wait(), hung_up)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
