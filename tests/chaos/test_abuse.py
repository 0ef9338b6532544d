"""Callers that are up to no good. After each abuse the server still serves, is healthy, and has its memory back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import msgpack
import pytest

from tests.chaos.ledger import COMPONENT, Journal, MakeLedger
from tests.chaos.load import Load, percentile
from tests.chaos.processes import ServerProcess
from tests.chaos.rude import FORMATS, RudeClient, packed, read_status
from tests.support.figures import Figures
from tests.support.waiting import PATIENCE, eventually

MB = 1024 * 1024
HEAD = b"POST /invoke HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
READ = f"{COMPONENT}:chaos-ledger:read"
BLOCK = f"{COMPONENT}:chaos-ledger:block"


@pytest.fixture(scope="module")
def abused_journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    journal = Journal(tmp_path_factory.mktemp("abused") / "journal")
    yield journal
    journal.close()


@pytest.fixture(scope="module")
def abused(abused_journal: Journal) -> Iterator[ServerProcess]:
    """A server that does not wait long for requests."""
    with ServerProcess(abused_journal.path, receive_timeout=2.0) as server:
        yield server


@pytest.fixture
def client(abused: ServerProcess) -> Iterator[RudeClient]:
    with RudeClient(abused.port) as client:
        yield client


@pytest.fixture(autouse=True)
def unharmed(abused: ServerProcess, abused_journal: Journal, ledger_at: MakeLedger) -> Iterator[None]:
    """Whatever a test does, nothing has run that should not, and the server is as well as before."""
    ledger = ledger_at(abused.url)
    assert ledger.read("warm") == abused.pid
    memory, executions = abused.memory(), abused_journal.counts()
    yield
    assert ledger.read("warm") == abused.pid
    with RudeClient(abused.port) as client:
        assert client.get("/health/ready") == 200
        assert client.get("/health/ledger") == 200
    eventually(lambda: abused.memory() < memory + 64 * MB)
    unwanted = abused_journal.counts() - executions
    assert [entry for entry in unwanted if not entry.startswith(("warm", "read-", "book-"))] == []


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(HEAD + b"x-more: ", id="in the head"),
        pytest.param(HEAD + b"content-length: 99\r\n\r\n{", id="in the body"),
    ],
)
def test_requests_that_never_end(
    abused: ServerProcess, ledger_at: MakeLedger, figures: Figures, begin: bytes, request: pytest.FixtureRequest
) -> None:
    with ExitStack() as sockets, Load(ledger_at(abused.url)) as load:
        slow = [
            sockets.enter_context(socket.create_connection(("127.0.0.1", abused.port), timeout=PATIENCE))
            for _ in range(500)
        ]
        for connection in slow:
            connection.sendall(begin)
        assert [read_status(connection) for connection in slow] == [408] * 500
    assert [call.error for call in load.calls if call.error is not None] == []
    seconds = [call.seconds for call in load.calls]
    name = f"500 connections that stop {request.node.callspec.id}"
    figures.add(f"{name}: closed", 500)
    figures.add(f"{name}: failures of {len(seconds)} other calls", 0)
    figures.add(f"{name}: p99 of other calls", percentile(seconds, 0.99) * 1000, "ms")


def test_a_body_without_end(abused: ServerProcess, figures: Figures) -> None:
    memory, sent, chunk = abused.memory(), 0, b"10000\r\n" + b" " * 65536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", abused.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 1024 * MB:
                connection.sendall(chunk)
                sent += 65536
        except (BrokenPipeError, ConnectionResetError):
            pass  # it listens no more
        status = read_status(connection)
    assert status in (0, 413)  # the answer may be lost if the connection is reset
    assert sent < 64 * MB
    figures.add("chunked body of 1 GB: cut off after", sent / MB, "MB")
    figures.add("chunked body of 1 GB: memory rose by", max(0, abused.peak_memory() - memory) / MB, "MB")


def test_a_body_that_is_announced_to_be_large(abused: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", abused.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD + b"content-length: 1073741824\r\n\r\n")
        assert read_status(connection) == 413


def call_of(*args: object, method: str = READ) -> dict[str, object]:
    return {"method": method, "args": args}


def as_json(opening: bytes, method: str = READ, closing: bytes = b"") -> bytes:
    return b'{"method":"%s","args":[%s%s]}' % (method.encode(), opening, closing)


def as_msgpack(argument: bytes, method: str = READ) -> bytes:
    return b"\x82\xa6method" + packed(method) + b"\xa4args\x91" + argument


DEEP = 500_000
MALFORMED = {
    "json": {
        "nothing": b"",
        "deep lists": as_json(b"[" * DEEP, closing=b"]" * DEEP),
        "deep lists that do not end": as_json(b"[" * DEEP),
        "deep maps": as_json(b'{"a":' * DEEP + b"1" + b"}" * DEEP),
        "NaN": as_json(b"NaN", BLOCK),
        "infinity": as_json(b"-Infinity", BLOCK),
        "10^400": as_json(b"1e400", BLOCK),
        "an integer of 100,000 digits": as_json(b"9" * 100_000, BLOCK),
        "a truth value as a number of seconds": as_json(b"[true]", BLOCK),
        "no text": b'{"method":"' + b"\xff\xfe" + b'","args":[]}',
        "half a character": as_json(rb'"\ud800"'),
        "a list": b"[]",
        "null": b"null",
        "a method that is a number": b'{"method":5,"args":[]}',
        "arguments that are a map": json.dumps({"method": READ, "args": {"entry": "x"}}).encode(),
        "no arguments": json.dumps({"method": READ}).encode(),
        "other keys": json.dumps({"methods": READ, "arguments": ["x"]}).encode(),
        "too few arguments": json.dumps(call_of()).encode(),
        "too many arguments": json.dumps(call_of("x", "y")).encode(),
        "an argument of a wrong type": json.dumps(call_of(5)).encode(),
        "two documents": json.dumps(call_of("x")).encode() * 2,
        "a megabyte of commas": as_json(b"," * MB),
    },
    "msgpack": {
        "nothing": b"",
        "deep lists": as_msgpack(b"\x91" * DEEP + b"\xc0"),
        "deep lists that do not end": as_msgpack(b"\x91" * DEEP),
        "deep maps": as_msgpack(b"\x81\xa1a" * DEEP + b"\xc0"),
        "lists that announce four billion items": as_msgpack(b"\xdd\xff\xff\xff\xff" * 100),
        "a map that announces four billion items": as_msgpack(b"\xdf\xff\xff\xff\xff"),
        "a text that announces four gigabytes": as_msgpack(b"\xdb\xff\xff\xff\xff"),
        "NaN": as_msgpack(packed(float("nan")), BLOCK),
        "infinity": as_msgpack(packed(float("inf")), BLOCK),
        "a list as a key": as_msgpack(b"\x81\x90\x01"),
        "an extension": as_msgpack(packed(msgpack.ExtType(42, b"x"))),
        "a date far away": as_msgpack(b"\xc7\x0c\xff" + b"\xff" * 12),
        "no text": as_msgpack(b"\xa2\xff\xfe"),
        "what is never used": b"\xc1",
        "a list": packed([]),
        "other keys": packed({"methods": READ, "arguments": ["x"]}),
        "keys that are bytes": packed({b"method": READ, b"args": ["x"]}),
        "too few arguments": packed(call_of()),
        "an argument of a wrong type": packed(call_of(5)),
        "two documents": packed(call_of("x")) * 2,
    },
}


@pytest.mark.parametrize("form", FORMATS)
def test_malformed_requests(abused: ServerProcess, client: RudeClient, figures: Figures, form: str) -> None:
    memory = abused.memory()
    replies = {name: client.post(body, FORMATS[form]) for name, body in MALFORMED[form].items()}
    wrong = {name: reply.status for name, reply in replies.items() if reply.status not in (400, 422)}
    assert wrong == {}
    assert all(reply.exception()["correlation_id"] for reply in replies.values())
    name, worst = max(replies.items(), key=lambda item: item[1].seconds)
    figures.add(f"malformed {form}: longest answer ({name})", worst.seconds * 1000, "ms")
    figures.add(f"malformed {form}: memory rose by", max(0, abused.peak_memory() - memory) / MB, "MB")


@pytest.mark.parametrize("form", FORMATS)
def test_requests_that_are_cut_short_anywhere(client: RudeClient, form: str) -> None:
    whole = json.dumps(call_of("cut")).encode() if form == "json" else packed(call_of("cut"))
    statuses = {end: client.post(whole[:end], FORMATS[form]).status for end in range(len(whole))}
    assert {end: status for end, status in statuses.items() if status not in (400, 422)} == {}


@pytest.mark.parametrize(
    "method",
    [
        f"{COMPONENT}:chaos-ledger:__class__",
        f"{COMPONENT}:chaos-ledger:__init__",
        f"{COMPONENT}:chaos-ledger:_journal",
        f"{COMPONENT}:chaos-ledger:_journal.close",
        f"{COMPONENT}:chaos-ledger:shutdown",
        f"{COMPONENT}:chaos-ledger:READ",
        f"{COMPONENT}:chaos-ledger:read ",
        f"{COMPONENT}:chaos-ledger:read\0",
        f"{COMPONENT}:chaos-ledger:",
        f"{COMPONENT}:chaos-ledger:read:read",
        f"{COMPONENT}:{COMPONENT}:shutdown",
        f"{COMPONENT}:chaos-elsewhere:read",
        "chaos-elsewhere-component:chaos-elsewhere:read",
        "chaos-elsewhere-component:chaos-ledger:read",
        ":chaos-ledger:read",
        "chaos-ledger:read",
        "read",
        "",
    ],
)
def test_names_that_nobody_declared(client: RudeClient, method: str) -> None:
    reply = client.call(method, "undeclared")
    assert reply.status == 404
    assert reply.exception()["code"] == "not_found"


def test_a_secret_in_an_error_stays_here(client: RudeClient, figures: Figures) -> None:
    reply = client.call(f"{COMPONENT}:chaos-ledger:leak", "hunter2")
    told = reply.exception()
    assert (reply.status, told["type"], told["message"]) == (200, "ValueError", "")
    assert b"hunter2" not in reply.body
    assert b"password" not in reply.body
    assert b"Traceback" not in reply.body
    figures.add("secret in an error: leaks", 0)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/html", ""]
)
def test_what_a_browser_can_be_made_to_send(client: RudeClient, content_type: str) -> None:
    assert client.post(json.dumps(call_of("forged")).encode(), content_type).status == 415
