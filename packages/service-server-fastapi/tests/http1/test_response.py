"""Heads and bodies of responses leave together, and in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service_server_fastapi.http1.response import Joined

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Recording(asyncio.Transport):
    """A transport that notes what is done with it."""

    def __init__(self) -> None:
        super().__init__({"peername": "somebody"})
        self.done: list[bytes | str] = []

    def write(self, data: Any) -> None:
        self.done.append(bytes(data))

    def close(self) -> None:
        self.done.append("close")

    def is_closing(self) -> bool:
        return "close" in self.done


@pytest.fixture
def transport() -> Recording:
    return Recording()


def joined(transport: Recording) -> Joined:
    return Joined(transport, asyncio.get_running_loop(), lambda: transport.done.append("closing"))


async def test_a_head_leaves_with_its_body(transport: Recording) -> None:
    writer = joined(transport)
    writer.write(HEAD)
    writer.write(b"body")
    writer.write(b"more")
    assert transport.done == [HEAD + b"body", b"more"]


async def test_a_head_whose_body_is_not_ready_leaves_soon(transport: Recording) -> None:
    writer = joined(transport)
    writer.write(HEAD)
    assert transport.done == []
    await asyncio.sleep(0)
    assert transport.done == [HEAD]
    writer.write(b"body")
    await asyncio.sleep(0)
    assert transport.done == [HEAD, b"body"]


async def test_a_large_body_is_not_copied(transport: Recording) -> None:
    large = bytes(1_000_000)
    writer = joined(transport)
    writer.write(HEAD)
    writer.write(large)
    assert transport.done == [HEAD, large]


async def test_a_large_body_that_looks_like_a_head_is_a_body(transport: Recording) -> None:
    large = HEAD + bytes(100_000)
    writer = joined(transport)
    writer.write(HEAD)
    writer.write(large)
    writer.close()
    assert b"".join(part for part in transport.done if isinstance(part, bytes)) == HEAD + large


async def test_a_body_may_be_empty_and_a_head_may_follow_a_head(transport: Recording) -> None:
    writer = joined(transport)
    writer.write(HEAD)
    writer.write(b"")
    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    writer.write(HEAD)
    writer.write(b"body")
    writer.close()
    assert b"".join(part for part in transport.done if isinstance(part, bytes)) == (
        HEAD + b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"body"
    )
    assert transport.done[-2:] == ["close", "closing"]


async def test_a_whole_response_leaves_at_once_and_after_what_is_held_back(transport: Recording) -> None:
    writer = joined(transport)
    writer.write(HEAD)
    writer.write_whole(HEAD, b"body")
    assert transport.done == [HEAD, HEAD + b"body"]


async def test_the_large_body_of_a_whole_response_is_not_copied(transport: Recording) -> None:
    large = bytes(1_000_000)
    joined(transport).write_whole(HEAD, large)
    assert transport.done == [HEAD, large]


async def test_closing_sends_what_is_held_back_and_is_told_once(transport: Recording) -> None:
    writer = joined(transport)
    writer.write(HEAD)
    writer.close()
    writer.close()
    await asyncio.sleep(0)
    assert transport.done == [HEAD, "close", "closing"]


async def test_all_else_is_that_of_the_transport(transport: Recording) -> None:
    assert joined(transport).get_extra_info("peername") == "somebody"
