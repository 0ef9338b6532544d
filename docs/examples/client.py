"""The client: starts the server as a process of its own, and calls it over every channel."""

import asyncio
import contextlib
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from interface import DocumentNotFound, LibraryService, Query
from rich.console import Console
from rich.table import Table

from service_core import ServiceManager, StaticComponentRegistry

CHANNELS = ["dispatch-json", "dispatch-msgpack"]
ROUNDS = 200


@contextlib.contextmanager
def server_process() -> Iterator[str]:
    """A running server's URL; the process ends with the block, however it is left."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("serving on "):
                raise SystemExit("the server did not start; its error is printed above")
            yield line.split()[-1]
        finally:
            process.terminate()


def call(library: LibraryService) -> tuple[str, str]:
    """Sync calls: an answer, and a declared error, which arrives as what it is."""
    document = library.describe("README.md", top=1)
    facts = document.statistics
    answer = (
        f"{facts.words} words, mostly '{facts.most_frequent[0].word}', {facts.reading_time.seconds} s to read"
    )
    try:
        library.describe("REAMDE.md")
    except DocumentNotFound as error:
        return answer, f"{type(error).__name__}: did you mean {', '.join(error.similar)}?"
    raise AssertionError("an error should have arrived")


def round_trip(library: LibraryService) -> float:
    """Median milliseconds of a call."""
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        library.documents()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def main() -> None:
    console = Console()
    with server_process() as url:
        registry = StaticComponentRegistry({"library-component": dict.fromkeys(CHANNELS, url)})
        with ServiceManager(registry) as manager:
            table = Table(title=f"LibraryService at {url}, from another process")
            for column in (
                "channel",
                "describe('README.md')",
                "describe('REAMDE.md')",
                "search('call')",
                "median",
            ):
                table.add_column(column, overflow="fold")
            for channel in CHANNELS:
                library = manager.get_service(LibraryService, preferred_channel=channel)
                answer, error = call(library)
                hits = asyncio.run(search(channel, registry))
                table.add_row(channel, answer, error, hits, f"{round_trip(library):.2f} ms")
            console.print(table)


async def search(channel: str, registry: StaticComponentRegistry) -> str:
    """An async call of the same service."""
    async with ServiceManager(registry) as manager:
        library = manager.get_service(LibraryService, preferred_channel=channel)
        hits = await library.search(Query(text="call", limit=2))
    return "; ".join(f"{hit.document}:{hit.line}" for hit in hits)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
