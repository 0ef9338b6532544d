"""The server: implements the interface over the documents of this repository, and serves it."""

import argparse
import difflib
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from interface import (
    Document,
    DocumentNotFound,
    Hit,
    LibraryComponent,
    LibraryService,
    Query,
    Statistics,
    WordCount,
)

from service_core import (
    AbstractComponent,
    ChannelAddress,
    ComponentRegistry,
    LocalComponentRegistry,
    Server,
    health,
    implementation,
)
from service_core.di import create, module
from service_registry_consul import ConsulComponentRegistry
from service_server_fastapi import FastAPIServer

ROOT = Path(__file__).parents[2]
WORDS_PER_MINUTE = 230


@implementation()
class LibraryServiceImpl(LibraryService):
    def __init__(self) -> None:
        files = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("packages/*/*.md")]
        self._files = {file.relative_to(ROOT).as_posix(): file for file in sorted(files)}

    def documents(self) -> list[str]:
        return list(self._files)

    def describe(self, name: str, *, top: int = 3) -> Document:
        file = self._files.get(name)
        if file is None:
            raise DocumentNotFound(name, difflib.get_close_matches(name, self._files))
        text = file.read_text(encoding="utf-8")
        words = re.findall(r"[A-Za-z]{2,}", text.lower())
        return Document(
            name=name,
            changed=datetime.fromtimestamp(file.stat().st_mtime, UTC),
            sha256=hashlib.sha256(text.encode()).digest(),
            statistics=Statistics(
                lines=text.count("\n"),
                words=len(words),
                reading_time=timedelta(minutes=len(words) / WORDS_PER_MINUTE),
                most_frequent=[WordCount(word, count) for word, count in Counter(words).most_common(top)],
            ),
        )

    def lines(self, name: str) -> Iterator[str]:
        file = self._files.get(name)
        if file is None:
            raise DocumentNotFound(name, difflib.get_close_matches(name, self._files))
        with file.open(encoding="utf-8") as text:  # closed when the caller leaves the stream
            for line in text:
                yield line.rstrip("\n")

    async def search(self, query: Query) -> list[Hit]:
        hits = [
            Hit(document=name, line=number, text=line.strip())
            for name, file in self._files.items()
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
            if query.text in line
        ]
        return hits[: query.limit]


@health("/health")
@implementation()
class LibraryComponentImpl(AbstractComponent, LibraryComponent):
    def __init__(self) -> None:
        super().__init__()

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        url = Server.get_url(port)
        return [ChannelAddress(channel, url) for channel in ("dispatch-json", "dispatch-msgpack", "rest")]


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=8000, help="0 picks a free one")
parser.add_argument("--consul", metavar="URL", help="register with this Consul agent")


@module()
class LibraryModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        if arguments.consul:
            return ConsulComponentRegistry(Server.port, arguments.consul, check_interval=1.0)
        return LocalComponentRegistry()


if __name__ == "__main__":
    arguments = parser.parse_args()
    server = FastAPIServer(host=arguments.host, port=arguments.port)
    server.boot(LibraryModule)
    print(f"serving on {server.url}", flush=True)
    server.wait()
