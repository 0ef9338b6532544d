"""Requests whose beginning is remembered: they mean what the parser would have made of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import archive
import pytest
from desk import serving
from hypothesis import example, given
from hypothesis import strategies as st
from raw_http import Connection, envelope
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service_core.dispatch import Answer
from service_core.wire import CORRELATION_ID
from service_server_fastapi import ServerSettings
from service_server_fastapi.http1.head_cache import Repeated
from service_server_fastapi.requests.fast_path import ArrivedRequest, ParsedRequest

BODY = envelope("echo", "a")
BEGINNING = (
    b"POST /invoke HTTP/1.1\r\nhost: test\r\nuser-agent: service\r\ncontent-type: application/json\r\n"
    b"accept: application/json\r\naccept-encoding: identity\r\n"
)


def request(
    own: bytes = b"x-deadline-ms: 9999\r\nx-correlation-id: c-1\r\n", body: bytes = BODY, beginning: bytes = BEGINNING
) -> bytes:
    return beginning + own + b"content-length: %d\r\n\r\n%b" % (len(body), body)


VALID = request()


class _Transport(asyncio.Transport):
    def write(self, data: Any) -> None:
        pass

    def close(self) -> None:
        pass

    def is_closing(self) -> bool:
        return False


class _Parsing(HttpToolsProtocol):
    """Keeps requests instead of having them answered."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        del app
        self.begun = cycle


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    raise AssertionError("nobody asks it")


def parsed(data: bytes) -> tuple[Scope, bytes] | None:
    """What uvicorn makes of a request which is all of ``data``, and after which the connection stays; else None."""
    config = Config(_application, log_config=None)
    protocol = _Parsing(config, ServerState(), {"shared": 1}, asyncio.new_event_loop())
    protocol.loop.close()
    protocol.connection_made(_Transport())
    protocol.data_received(data)
    cycle: RequestResponseCycle | None = getattr(protocol, "begun", None)
    is_only = cycle is protocol.cycle and cycle is not None
    if cycle is None or not is_only or cycle.more_body or not cycle.keep_alive or cycle.waiting_for_100_continue:
        return None
    return cast("dict[str, Any]", cycle.scope), bytes(cycle.body)


class _Answering:
    """Stands for what has answered the request before."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _application(scope, receive, send)

    async def answer(self, request: ArrivedRequest) -> Answer | None:
        raise AssertionError(f"nobody asks it: {request}")


def read_by(repeated: Repeated, data: bytes) -> tuple[Scope, bytes] | None:
    """What is read without the parser, and means the same as to those who read the scope."""
    found = repeated.read(data)
    if found is None:
        return None
    assert told(found) == told(ParsedRequest(found.scope, found.body))
    assert found.context.correlation_id
    return found.scope, found.body


def told(request: ArrivedRequest) -> list[Any]:
    """What the head of a request says, whenever it is read."""
    context = request.context
    sent = dict(request.scope["headers"]).get(CORRELATION_ID.encode())
    has_id = sent is not None and sent.decode("latin-1") == context.correlation_id
    return [request.content_type, context.deadline is None, context.traceparent, context.baggage, context.token, has_id]


def learned(data: bytes = VALID) -> Repeated:
    known = parsed(data)
    assert known is not None
    repeated = Repeated.of(data, known[0], {"shared": 1}, _Answering())
    assert repeated is not None
    known[0]["state"]["mine"] = known[0]["mine"] = 2  # by whoever has answered it
    known[0]["headers"].append((b"mine", b"3"))
    return repeated


REPEATED = learned()


@pytest.mark.parametrize(
    "data",
    [
        VALID,
        request(b""),
        request(b"x-correlation-id: another\r\n"),
        request(b"x-deadline-ms: 1\r\nx-correlation-id: c\r\ntraceparent: 00-a-b-01\r\nbaggage: a=b, c=d\r\n"),
        request(b"x-correlation-id: c\r\nauthorization: Bearer a.b.c\r\n", b"{}"),
        request(b"x-deadline-ms: soon\r\n"),
        request(b"", b""),
        BEGINNING + b"\r\n",
        VALID.replace(b"content-length: ", b"content-length: 000"),
    ],
)
def test_what_differs_is_read(data: bytes) -> None:
    assert read_by(REPEATED, data) == parsed(data) is not None


HOSTILE = {
    "less than announced": VALID[:-1],
    "more than announced": VALID + b"\0",
    "two requests": VALID + VALID,
    "another path": VALID.replace(b"/invoke", b"/invoked"),
    "another host": VALID.replace(b"host: test", b"host: tester"),
    "another verb": VALID.replace(b"POST", b"PUT"),
    "two lengths": VALID.replace(b"\r\n\r\n", b"\r\ncontent-length: 1\r\n\r\n", 1),
    "no length": VALID.replace(b"content-length", b"content_length"),
    "a length in words": VALID.replace(b"content-length: ", b"content-length: x"),
    "a length with a sign": VALID.replace(b"content-length: ", b"content-length: +"),
    "a length of many digits": VALID.replace(b"content-length: ", b"content-length: %b" % (b"0" * 5_000)),
    "chunks": VALID.replace(b"x-deadline-ms: 9999", b"transfer-encoding: chunked"),
    "chunks behind the length": VALID.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n", 1),
    "the end of the connection": VALID.replace(b"x-deadline-ms: 9999", b"connection: close"),
    "an upgrade": VALID.replace(b"x-deadline-ms: 9999", b"connection: upgrade\r\nupgrade: h2c"),
    "an expectation": VALID.replace(b"x-deadline-ms: 9999", b"expect: 100-continue"),
    "a proxy": VALID.replace(b"x-deadline-ms: 9999", b"x-forwarded-proto: https"),
    "a header twice": VALID.replace(b"9999\r\n", b"9999\r\nx-deadline-ms: 1\r\n"),
    "a folded line": VALID.replace(b"x-deadline-ms: 9999", b" folded"),
    "a folded value": VALID.replace(b"9999", b"9999\r\n folded"),
    "a space before the colon": VALID.replace(b"x-deadline-ms:", b"x-deadline-ms :"),
    "no space": VALID.replace(b"x-deadline-ms: ", b"x-deadline-ms:"),
    "two spaces": VALID.replace(b"x-deadline-ms: ", b"x-deadline-ms:  "),
    "a trailing space": VALID.replace(b"9999", b"9999 "),
    "a tab": VALID.replace(b"9999", b"99\t99"),
    "no value": VALID.replace(b"9999", b""),
    "a null character": VALID.replace(b"9999", b"99\x0099"),
    "not ASCII": VALID.replace(b"c-1", b"c-\xe9"),
    "upper case": VALID.replace(b"x-deadline-ms", b"X-Deadline-MS"),
    "line feeds alone": VALID.replace(b"\r\n", b"\n"),
    "a carriage return alone": VALID.replace(b"9999\r\n", b"9999\r"),
    "an empty line in front": b"\r\n" + VALID,
    "a head alone": VALID[: -len(BODY)],
    "nothing": b"",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_everything_else_is_left_to_the_parser(data: bytes) -> None:
    assert REPEATED.read(data) is None


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_only_what_is_as_plain_is_remembered(data: bytes) -> None:
    known = read_by(REPEATED, VALID)
    assert known is not None
    scope: Scope = {**known[0], "headers": [(b"host", b"test")] * 20}
    repeated = Repeated.of(data, scope, {}, _Answering())
    assert repeated is None or parsed(data) is not None


LAST = VALID.replace(b"x-deadline-ms: 9999", b"connection: close")
POSITIONS = st.integers(0, len(VALID))
EDITS = st.lists(
    st.tuples(POSITIONS, st.integers(0, 4), st.sampled_from([b"", b"\r\n", b" ", b":", b"0", b"\t", b"a"]))
)


@given(EDITS)
@example([])
def test_what_is_read_without_the_parser_is_what_it_reads(edits: list[tuple[int, int, bytes]]) -> None:
    data = VALID
    for position, length, inserted in edits:
        data = data[:position] + inserted + data[position + length :]
    found = read_by(REPEATED, data)
    assert found is None or found == parsed(data)


@given(st.binary(max_size=60))
def test_no_line_in_between_is_taken_for_another(line: bytes) -> None:
    data = request(line)
    found = read_by(REPEATED, data)
    assert found is None or found == parsed(data)


def test_requests_do_not_share_what_an_application_may_change() -> None:
    first, second = read_by(REPEATED, VALID), read_by(REPEATED, VALID)
    assert first is not None
    assert second is not None
    first[0]["headers"].clear()
    first[0]["state"]["mine"] = 1
    assert second == parsed(VALID) == read_by(REPEATED, VALID)


# in a connection


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(settings=ServerSettings(keep_alive=1.0, worker_threads=4)) as (server, _):
        yield server.url


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether requests that were compared with a remembered one were read without the parser."""
    told: list[bool] = []
    original = Repeated.read

    def watched(self: Repeated, data: bytes) -> ArrivedRequest | None:
        found = original(self, data)
        told.append(found is not None)
        return found

    monkeypatch.setattr(Repeated, "read", watched)
    return told


def test_the_second_request_of_a_connection_needs_no_parser(url: str, read: list[bool]) -> None:
    with Connection(url) as connection:
        for number in range(4):
            connection.send(request(b"x-correlation-id: c-%d\r\n" % number, envelope("echo", number * "a")))
            reply = connection.reply()
            assert (reply.json["result"], reply.headers["x-correlation-id"]) == (number * "a", f"c-{number}")
    # The first is read for a try when it is remembered.
    assert read == [True] * 4


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_connections_that_remember_answer_like_those_that_do_not(url: str, data: bytes) -> None:
    told = []
    for before in (0, 2):
        with Connection(url) as connection:
            for _ in range(before):
                connection.send(VALID)
                assert connection.reply().status == 200
            connection.send(data + LAST)
            told.append(_all_of(connection))
    assert told[0] == told[1]


def _all_of(connection: Connection) -> list[bytes]:
    """Everything that still comes, without the lines that are different each time."""
    received = b""
    try:
        while more := connection.socket.recv(65536):
            received += more
    except ConnectionResetError:
        pass
    changing = (b"date:", b"x-correlation-id:")
    return [line for line in received.split(b"\r\n") if not line.startswith(changing) and b"correlation_id" not in line]


def test_parts_requests_and_several_at_once_may_take_turns(url: str) -> None:
    def echo(text: str) -> bytes:
        return request(b"", envelope("echo", text))

    whole = echo("c")
    with Connection(url) as connection:
        for parts, texts in (
            ([echo("a")], "a"),
            ([echo("b")], "b"),
            ([whole[:20], whole[20:-5], whole[-5:]], "c"),
            ([echo("d")], "d"),
            ([echo("e") + echo("f") + whole[:-5], whole[-5:] + echo("g")], "efcg"),
            ([echo("h")], "h"),
        ):
            for part in parts:
                connection.send(part)
            assert [connection.reply().json["result"] for _ in texts] == [*texts]


def test_a_repeated_request_with_wrong_arguments_is_left_to_fastapi(read: list[bool]) -> None:
    right, wrong = b'{"key": "a", "title": "b"}', b'{"key": 1}'
    beginning = BEGINNING.replace(b"/invoke", b"/archive/records")
    replies = []
    with archive.serving() as server, Connection(server.url) as connection:
        for body in (right, wrong, right, wrong, wrong, right):
            connection.send(request(b"x-correlation-id: c\r\n", body, beginning))
            replies.append(connection.reply())
    assert [reply.status for reply in replies] == [201, 422, 201, 422, 422, 201]
    assert {reply.headers["x-correlation-id"] for reply in replies} == {"c"}
    assert all(read)
