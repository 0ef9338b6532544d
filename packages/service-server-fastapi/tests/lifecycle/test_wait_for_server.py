"""Whether a server that another process runs answers yet."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme

from service_server_fastapi.lifecycle.wait_for_server import wait_until_answering
from service_server_fastapi.listening.sockets import bind


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        await reader.read()  # until the other side has had enough
    finally:
        writer.close()


async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.read()
    finally:
        writer.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1"])
async def test_any_http_answer_is_enough(host: str) -> None:
    async with await asyncio.start_server(answer, host, 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await wait_until_answering(host, port, "/", timeout=20)


@pytest.mark.parametrize("behaviour", [hang_up, keep_silent])
async def test_a_connection_alone_is_no_answer(behaviour: object) -> None:
    async with await asyncio.start_server(behaviour, "127.0.0.1", 0) as server:  # type: ignore[arg-type]
        port = server.sockets[0].getsockname()[1]
        assert not await wait_until_answering("127.0.0.1", port, "/", timeout=0.2)


async def test_an_address_without_a_server_is_no_answer() -> None:
    with bind("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
    assert not await wait_until_answering("127.0.0.1", port, "/", timeout=0.2)


async def test_it_waits_until_a_server_listens() -> None:
    with bind("127.0.0.1", 0) as bound:
        port: int = bound.getsockname()[1]
    waiting = asyncio.create_task(wait_until_answering("127.0.0.1", port, "/", timeout=20))
    await asyncio.sleep(0)
    async with await asyncio.start_server(answer, "127.0.0.1", port):
        assert await waiting


@pytest.fixture(scope="module")
def tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("of.another.host").configure_cert(context)
    return context


async def test_an_answer_over_tls_is_enough_with_any_certificate(tls: ssl.SSLContext) -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        assert await wait_until_answering("127.0.0.1", port, "/", timeout=20, uses_tls=True)
        assert not await wait_until_answering("127.0.0.1", port, "/", timeout=0.2)


async def test_a_plain_answer_is_none_over_tls() -> None:
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert not await wait_until_answering("127.0.0.1", port, "/", timeout=0.2, uses_tls=True)


async def test_without_a_path_a_connection_is_enough(tls: ssl.SSLContext) -> None:
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=tls) as server:
        port = server.sockets[0].getsockname()[1]
        assert await wait_until_answering("127.0.0.1", port, None, timeout=20)
    assert not await wait_until_answering("127.0.0.1", port, None, timeout=0.2)
