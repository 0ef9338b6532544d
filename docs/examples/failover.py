"""Two servers and a client that find each other through Consul; one server is killed, and the calls go on."""

import threading
import time
from collections import Counter

from client import server_process
from interface import LibraryComponent, LibraryService
from rich.console import Console
from rich.table import Table

from service_core import CallEvent, CallEventKind, ServiceException, ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.support.consul import ConsulAgent

SECONDS = 2.0


class Record:
    """What happened to the calls, as an observer of the manager sees it."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.retries = 0
        self.errors = 0

    def __call__(self, event: CallEvent) -> None:
        self.answers[event.url] += event.kind is CallEventKind.ANSWERED
        self.retries += event.kind is CallEventKind.RETRIED


def call_for(seconds: float, library: LibraryService, record: Record) -> None:
    """Call without a pause."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            library.documents()
        except ServiceException:
            record.errors += 1


def kill_one(
    manager: ServiceManager, library: LibraryService, record: Record, url: str, kill: threading.Timer
) -> float:
    """Kill a server in the midst of calls; milliseconds until it is out of the registry's snapshot."""
    out = threading.Event()
    unsubscribe = manager.component_registry.subscribe(
        "library-component",
        lambda snapshot: None if any(url in found.urls for found in snapshot.values()) else out.set(),
    )
    kill.start()
    killed_at = time.monotonic() + kill.interval
    while not out.is_set() and time.monotonic() < killed_at + 30:
        call_for(0.01, library, record)
    unsubscribe()
    return (time.monotonic() - killed_at) * 1000


def main() -> None:
    with (
        ConsulAgent() as agent,
        server_process("--consul", agent.url) as (first, _),
        server_process("--consul", agent.url) as (second, process),
    ):
        before, meanwhile, after = Record(), Record(), Record()
        table = Table("phase", first, second, "retries", "errors", title="calls per server, found through Consul")
        current = before
        registry = ConsulComponentRegistry(0, agent.url)
        with ServiceManager(registry, observers=[lambda event: current(event)]) as manager:
            while len(next(iter(manager.wait_for(LibraryComponent).values())).urls) < 2:
                time.sleep(0.01)
            library = manager.get_service(LibraryService)
            call_for(SECONDS, library, before)
            current = meanwhile
            milliseconds = kill_one(manager, library, meanwhile, second, threading.Timer(0.1, process.kill))
            current = after
            call_for(SECONDS, library, after)
        for phase, record in (
            ("both run", before),
            (f"kill -9, out of Consul after {milliseconds:.0f} ms", meanwhile),
            ("one runs", after),
        ):
            calls = [str(record.answers[url]) for url in (first, second)]
            table.add_row(phase, *calls, str(record.retries), str(record.errors))
        Console().print(table)
        errors = before.errors + meanwhile.errors + after.errors
    raise SystemExit(1 if errors else 0)
