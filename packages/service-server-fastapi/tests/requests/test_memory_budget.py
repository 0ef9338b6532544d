"""The memory that requests in work may need together."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import pytest
from desk import INVOKE, serving, until
from pydantic_core import to_json
from raw_http import Connection, Reply, call
from ways import EACH_WAY, Way

from service_core import Service, implementation, service
from service_core.rest import Body, post, rest
from service_core.wire import JSON
from service_server_fastapi import ServerSettings, serve
from service_server_fastapi.access.rejections import Rejection
from service_server_fastapi.requests.memory_budget import BYTES_PER_BYTE, MemoryBudget, MemoryShare, machine_memory

LARGE_BODY = 200_000
ONE_AND_A_HALF = LARGE_BODY * BYTES_PER_BYTE * 3 // 2


def test_a_request_takes_its_share_and_gives_it_back() -> None:
    budget = MemoryBudget(ONE_AND_A_HALF)
    with budget.share_of(LARGE_BODY):
        assert budget.used == LARGE_BODY * BYTES_PER_BYTE
        with pytest.raises(Rejection) as caught, budget.share_of(LARGE_BODY):
            pass
        assert caught.value.status == 503
        assert "memory_budget (SERVICE_SERVER_MEMORY_BUDGET)" in str(caught.value)
        with budget.share_of(1000):
            pass
    assert budget.used == 0


def test_a_body_takes_more_as_it_arrives() -> None:
    budget = MemoryBudget(ONE_AND_A_HALF)
    with budget.share() as one, budget.share() as other:
        one.take(LARGE_BODY)
        other.take(LARGE_BODY // 4)
        with pytest.raises(Rejection):
            other.take(LARGE_BODY)
    assert budget.used == 0


def test_a_request_that_is_alone_is_served_whatever_it_needs() -> None:
    budget = MemoryBudget(1000)
    with budget.share() as share:
        share.take(LARGE_BODY)
        share.take(LARGE_BODY)


def test_by_default_it_is_a_quarter_of_the_memory() -> None:
    assert MemoryBudget(None).limit == machine_memory() // 4
    assert machine_memory() > 1 << 26


MANY_VALUES = b"[%s]" % b",".join([b"{}"] * 100_000)


def test_values_that_need_more_memory_than_their_bytes_are_counted_until_the_request_ends() -> None:
    budget = MemoryBudget(None)
    with budget.share_of(len(MANY_VALUES)) as share:
        share.take_for_values(JSON, MANY_VALUES)
        assert budget.used == JSON.memory(MANY_VALUES) > 2 * BYTES_PER_BYTE * len(MANY_VALUES)
    assert budget.used == 0


def test_commas_of_a_text_are_not_counted_as_values() -> None:
    budget, text = MemoryBudget(None), to_json([",[{" * LARGE_BODY])
    with budget.share_of(len(text)) as share:
        share.take_for_values(JSON, text)
        assert budget.used == BYTES_PER_BYTE * len(text)


def test_a_request_that_has_ended_takes_nothing_more() -> None:
    budget = MemoryBudget(None)
    with budget.share_of(len(MANY_VALUES)) as share:
        pass
    with pytest.raises(Rejection):
        share.take_for_values(JSON, MANY_VALUES)
    assert budget.used == 0


@EACH_WAY
def test_many_small_values_beyond_the_budget_are_answered_with_503(way: Way) -> None:
    few, many = (_tickets(tags) for tags in ([LARGE_BODY // 2 * "a"], ["a"] * (LARGE_BODY // 8)))
    of_waiting, of_bytes = (2 * LARGE_BODY * BYTES_PER_BYTE, len(few) * BYTES_PER_BYTE)
    waiting_body = json.dumps({"method": f"{INVOKE}echo", "args": ["x" * 2 * LARGE_BODY]}).encode()
    settings = ServerSettings(memory_budget=of_waiting + 2 * of_bytes)
    with serving(app=way(), settings=settings) as (server, _), held(server.url, waiting_body) as waiting:
        assert _answer(server.url, few).status != 503
        refused = _answer(server.url, many)
        assert refused.status == 503
        assert "memory_budget" in refused.error["message"]
        waiting.send(waiting_body[-1:])
        assert waiting.reply().status == 200
        assert _answer(server.url, many).status == 200


@rest("/shelf")
@service(name="shelf")
class Shelf(Service):
    @post("/labels")
    @abstractmethod
    def label(self, labels: Annotated[list[str], Body()]) -> int: ...


@implementation
class ShelfImpl(Shelf):
    def label(self, labels: list[str]) -> int:
        return len(labels)


@EACH_WAY
def test_many_small_values_on_a_rest_route_count_as_well(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (json.dumps(labels).encode() for labels in ([LARGE_BODY * "a"], ["a"] * (LARGE_BODY // 5)))
    waiting_body = json.dumps(["x" * 2 * LARGE_BODY]).encode()
    monkeypatch.setenv("SERVICE_SERVER_MEMORY_BUDGET", str(4 * LARGE_BODY * BYTES_PER_BYTE))
    with serve(ShelfImpl(), port=0, app=way()) as server:
        url = f"http://127.0.0.1:{server.port}"
        with held(url, waiting_body, "/shelf/labels") as waiting:
            assert _answer(url, few, "/shelf/labels").status == 200
            refused = _answer(url, many, "/shelf/labels")
            assert refused.status == 503
            assert b"memory_budget" in refused.body
            assert json.loads(refused.body)["executed"] is False
            waiting.send(waiting_body[-1:])
            assert waiting.reply().status == 200
        assert _answer(url, many, "/shelf/labels").status == 200


@contextmanager
def held(url: str, body: bytes, path: str = "/invoke") -> Iterator[Connection]:
    """A connection with a request of which all but the last byte has been read by the server."""
    taken = 0
    take = MemoryShare.take

    def noted(self: MemoryShare, size: int) -> None:
        nonlocal taken
        take(self, size)
        taken += size

    with pytest.MonkeyPatch.context() as patch, Connection(url) as waiting:
        patch.setattr(MemoryShare, "take", noted)
        waiting.head(path=path, content_length=len(body))
        waiting.send(body[:-1])
        until(lambda: taken == len(body) - 1)
        yield waiting


def _tickets(tags: list[str]) -> bytes:
    call = {"method": f"{INVOKE}sell", "args": [{"number": 1, "tags": tags}]}
    return json.dumps(call, separators=(",", ":")).encode()


@EACH_WAY
def test_a_request_beyond_the_budget_is_answered_with_503_and_retry_after(way: Way) -> None:
    body = json.dumps({"method": f"{INVOKE}echo", "args": ["x" * LARGE_BODY]}).encode()
    with serving(app=way(), settings=ServerSettings(memory_budget=ONE_AND_A_HALF)) as (server, _):
        with held(server.url, body) as waiting:
            replies = [_answer(server.url, body) for _ in range(20)]
            refused = [reply for reply in replies if reply.status == 503]
            assert refused
            assert refused[-1] is replies[-1]
            assert refused[0].headers["retry-after"] == "1"
            assert "memory_budget" in refused[0].error["message"]
            assert call(server.url, "echo", "small").status == 200
            waiting.send(body[-1:])
            assert waiting.reply().status == 200
        assert _answer(server.url, body).status == 200


def _answer(url: str, body: bytes, path: str = "/invoke") -> Reply:
    with Connection(url) as connection:
        connection.head(path=path, content_length=len(body))
        connection.send(body)
        return connection.reply()
