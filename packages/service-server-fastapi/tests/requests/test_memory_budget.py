"""The memory that requests in work may need together."""

from __future__ import annotations

import json

import pytest
from desk import INVOKE, serving, until
from raw_http import Connection, Reply, call
from ways import EACH_WAY, Way

from service_server_fastapi import ServerSettings
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


@EACH_WAY
def test_a_request_beyond_the_budget_is_answered_with_503_and_retry_after(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    take = MemoryShare.take

    def noted(self: MemoryShare, size: int) -> None:
        take(self, size)
        sizes.append(size)

    monkeypatch.setattr(MemoryShare, "take", noted)
    body = json.dumps({"method": f"{INVOKE}echo", "args": ["x" * LARGE_BODY]}).encode()
    with serving(app=way(), settings=ServerSettings(memory_budget=ONE_AND_A_HALF)) as (server, _):
        with Connection(server.url) as waiting:
            waiting.head(content_length=len(body))
            waiting.send(body[:-1])
            until(lambda: sum(sizes) == len(body) - 1)
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


def _answer(url: str, body: bytes) -> Reply:
    with Connection(url) as connection:
        connection.head(content_length=len(body))
        connection.send(body)
        return connection.reply()
