"""The client: starts the server as a process of its own, and calls it over every channel."""

import argparse
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

CHANNELS = ["dispatch-json", "dispatch-msgpack", "rest"]
ROUNDS = 200


@contextlib.contextmanager
def server_process(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running server's URL and its process, which ends with the block, however it is left."""
    command = [sys.executable, str(Path(__file__).with_name("server.py")), "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line.startswith("serving on "):
                raise SystemExit("the server did not start; its error is printed above")
            yield line.split()[-1], process
        finally:
            process.terminate()


def calls(library: LibraryService) -> Iterator[tuple[str, str]]:
    """Sync calls: what was called, and what came back."""
    document = library.describe("README.md", top=1)
    facts = document.statistics
    yield (
        "describe('README.md', top=1)",
        f"{facts.words} words, {facts.most_frequent[0].count} x '{facts.most_frequent[0].word}', "
        f"{facts.reading_time.seconds} s to read",
    )
    try:
        library.describe("REAMDE.md")
    except DocumentNotFound as error:  # a declared error arrives as what it is
        yield "describe('REAMDE.md')", f"DocumentNotFound, similar: {', '.join(error.similar)}"


def first_line(library: LibraryService) -> tuple[str, str]:
    """A stream that is left after its first item; the server then closes the file."""
    with contextlib.closing(library.lines("README.md")) as lines:  # type: ignore[type-var]
        return "next(lines('README.md'))", next(lines)


async def search(manager: ServiceManager, channel: str) -> tuple[str, str]:
    """An async call of the same service."""
    library = manager.get_service(LibraryService, preferred_channel=channel)
    hits = await library.search(Query(text="call", limit=2))
    return "await search(Query('call', limit=2))", ", ".join(f"{hit.document}:{hit.line}" for hit in hits)


def round_trip(library: LibraryService) -> tuple[str, str]:
    """The median time of a call."""
    names, times = library.documents(), []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        library.documents()
        times.append(time.perf_counter() - begin)
    return f"documents(), {ROUNDS} times", f"{len(names)} names, median {statistics.median(times) * 1000:.2f} ms"


def main() -> None:
    with server_process() as (url, _):
        table = Table(
            "channel", "called", "answer", title=f"LibraryService of another process, documented at {url}/docs"
        )
        registry = StaticComponentRegistry({"library-component": dict.fromkeys(CHANNELS, url)})
        with ServiceManager(registry) as manager:
            for channel in CHANNELS:
                library = manager.get_service(LibraryService, preferred_channel=channel)
                for row in (*calls(library), asyncio.run(search(manager, channel)), round_trip(library)):
                    table.add_row(channel, *row)
                if channel != "rest":
                    table.add_row(channel, *first_line(library))
                table.add_section()
        Console().print(table)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--consul", action="store_true", help="two servers found through Consul, one of them killed")
    with contextlib.suppress(KeyboardInterrupt):
        if parser.parse_args().consul:
            import failover

            failover.main()
        else:
            main()
