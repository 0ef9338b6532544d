"""Callers that are up to no good. After each abuse the server still serves, Consul still calls it healthy, and its
memory is back."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from service_core import CallEvent, ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.chaos.ledger import COMPONENT, HEALTH_ASKED, Journal, Ledger, MakeLedger
from tests.chaos.load import Load, percentile
from tests.chaos.malformed import MALFORMED, call_of
from tests.chaos.processes import ServerProcess
from tests.chaos.rude import FORMATS, RudeClient, packed, read_status
from tests.support.consul import ConsulAgent
from tests.support.figures import Figures
from tests.support.memory import MB
from tests.support.waiting import PATIENCE
from tests.support.wellbeing import Patient, unharmed

HEAD = b"POST /invoke HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n"
EXPECTED = ("warm", "read-", "book-", HEALTH_ASKED)
"""How entries begin that callers who are up to good leave in the journal."""


def break_off(port: int) -> None:
    """500 clients at once begin a request, and leave."""
    with ExitStack() as sockets:
        for _ in range(500):
            connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
            sockets.enter_context(connection).sendall(HEAD)
        with RudeClient(port) as client:
            assert client.get("/health/ready") == 200  # so the others were let in before


def send_without_end(port: int) -> tuple[int, int]:
    """Send a body of 1 GB as far as the server takes it: the status of its answer, 0 for none, and bytes sent."""
    sent, chunk = 0, b"10000\r\n" + b" " * 65536 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 1024 * MB:
                connection.sendall(chunk)
                sent += 65536
        except (BrokenPipeError, ConnectionResetError):
            pass  # it listens no more
        return read_status(connection), sent


@pytest.fixture(scope="module")
def abused_journal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journal]:
    journal = Journal(tmp_path_factory.mktemp("abused") / "journal")
    yield journal
    journal.close()


@pytest.fixture(scope="module")
def consul() -> Iterator[ConsulAgent]:
    with ConsulAgent() as agent:
        yield agent


@pytest.fixture(scope="module")
def abused(abused_journal: Journal, consul: ConsulAgent) -> Iterator[ServerProcess]:
    """A server that does not wait long for requests, and that Consul asks for its health each second."""
    with ServerProcess(abused_journal.path, consul, receive_timeout=2.0) as server:
        # What so many connections and so large a body cost once, in whatever test, is no harm.
        break_off(server.port)
        send_without_end(server.port)
        yield server


@pytest.fixture
def client(abused: ServerProcess) -> Iterator[RudeClient]:
    with RudeClient(abused.port) as client:
        yield client


@pytest.fixture(autouse=True)
def healthy(
    abused: ServerProcess,
    abused_journal: Journal,
    consul: ConsulAgent,
    ledger_at: MakeLedger,
    figures: Figures,
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """Whatever a test does, nothing has run that should not, and the server is as well as before."""
    ledger = ledger_at(abused.url)

    def serve() -> None:
        assert ledger.read("warm") == abused.pid
        with RudeClient(abused.port) as client:
            assert client.get("/health/ready") == 200

    patient = Patient(
        process=abused.pid,
        component=COMPONENT,
        port=abused.port,
        consul=consul,
        serves=serve,
        health_asked=lambda: abused_journal.counts()[HEALTH_ASKED],
    )
    executions = abused_journal.counts()
    memory = abused.memory()
    with unharmed(patient):
        yield
    abuse = request.node.name.removeprefix("test_").replace("_", " ")
    figures.add(f"{abuse}: memory kept", max(0, abused.memory() - memory) / MB, "MB")
    unwanted = abused_journal.counts() - executions
    assert [entry for entry in unwanted if not entry.startswith(EXPECTED)] == []


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
    memory = abused.memory()
    status, sent = send_without_end(abused.port)
    assert status in (0, 413)  # the answer may be lost if the connection is reset
    assert sent < 64 * MB
    figures.add("chunked body of 1 GB: cut off after", sent / MB, "MB")
    figures.add("chunked body of 1 GB: memory rose by", max(0, abused.peak_memory() - memory) / MB, "MB")


def test_a_body_that_is_announced_to_be_large(abused: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", abused.port), timeout=PATIENCE) as connection:
        connection.sendall(HEAD + b"content-length: 1073741824\r\n\r\n")
        assert read_status(connection) == 413


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


UNDECLARED = [
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
]


def test_undeclared_names(client: RudeClient) -> None:
    replies = {method: client.call(method, "undeclared") for method in UNDECLARED}
    found = {method: reply.status for method, reply in replies.items() if reply.status != 404}
    assert found == {}
    assert {reply.exception()["code"] for reply in replies.values()} == {"not_found"}


def test_a_secret_in_an_error_stays_here(client: RudeClient, figures: Figures) -> None:
    reply = client.call(f"{COMPONENT}:chaos-ledger:leak", "hunter2")
    reported = reply.exception()
    assert (reply.status, reported["type"], reported["message"]) == (200, "ValueError", "")
    assert b"hunter2" not in reply.body
    assert b"password" not in reply.body
    assert b"Traceback" not in reply.body
    figures.add("secret in an error: leaks", 0)


def test_what_a_browser_can_be_made_to_send(client: RudeClient) -> None:
    forged = json.dumps(call_of("forged")).encode()
    types = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/html", "")
    statuses = {content_type: client.post(forged, content_type).status for content_type in types}
    assert statuses == dict.fromkeys(types, 415)


def test_registrations_that_lead_elsewhere(abused: ServerProcess, consul: ConsulAgent, figures: Figures) -> None:
    events = list[CallEvent]()
    with ExitStack() as stack:
        trap = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        trap.setblocking(False)
        trapped = f"127.0.0.1:{trap.getsockname()[1]}"
        for number, url in enumerate(
            (
                "file:///etc/passwd",
                f"http://user:secret@{trapped}",
                f"ftp://{trapped}",
                "http://169.254.169.254/latest/meta-data",
                "http://2852039166",
                "http://[::ffff:169.254.169.254]",
                "http://metadata.google.internal",
            )
        ):
            consul.registered(Name=COMPONENT, ID=f"trap-{number}", Port=1, Meta={"channels": f"dispatch-json({url})"})
            stack.callback(consul.deregistered, f"trap-{number}")
        registry = ConsulComponentRegistry(0, consul.url)
        manager = stack.enter_context(ServiceManager(registry, observers=[events.append]))
        manager.wait_for(Ledger)
        ledger = manager.get_service(Ledger)
        assert {ledger.read(f"read-{number}") for number in range(100)} == {abused.pid}
        with pytest.raises(BlockingIOError):
            trap.accept()  # no thread waits there
    assert {event.url for event in events} == {abused.url}
    figures.add("7 hostile registrations, 100 calls: contacts", 0)


def test_memory_does_not_grow_with_each_abuse(abused: ServerProcess, client: RudeClient, figures: Figures) -> None:
    memory = list[float]()
    while len(memory) < 8 or memory[-1] - memory[-8] > 0.5:
        assert len(memory) < 50, f"it goes on growing: {memory} MB"
        for form, bodies in MALFORMED.items():
            assert {client.post(body, FORMATS[form]).status for body in bodies.values()} == {400, 422}
        send_without_end(abused.port)
        break_off(abused.port)
        memory.append(abused.memory() / MB)
    name = "42 malformed requests, an endless body and 500 broken connections: memory"
    figures.add(f"{name} after {len(memory)} rounds", memory[-1], "MB")
    figures.add(f"{name} grew in the last 8 rounds by", max(0, memory[-1] - memory[-8]), "MB")
