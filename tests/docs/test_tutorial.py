"""The tutorial is followed literally in an empty folder: files are written, commands run, their output compared.

A command that ends with ``&`` stays in the background until the end; it has started when its output has come. Ports are
replaced by free ones, so that tutorials can run side by side.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.consul import ConsulAgent, free_ports

pytestmark = pytest.mark.slow

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"
PAGES = sorted(TUTORIAL.glob("[0-9]*.md"))
BLOCK = re.compile(
    r'^```(?P<kind>python|console)(?: title="(?P<title>[\w.]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)
PORT = re.compile(r"\b(?:80\d\d|8500)\b")
SECONDS = 60.0


class Reader:
    """Someone who does what the pages say, in one folder."""

    def __init__(self, folder: Path, consul_port: int) -> None:
        self._folder = folder
        self._ports = {"8500": str(consul_port)}
        self._background: list[subprocess.Popen[str]] = []
        self.commands = 0

    def read(self, page: Path) -> None:
        blocks = list(BLOCK.finditer(page.read_text(encoding="utf-8")))
        for block in blocks:
            if block["title"]:
                (self._folder / block["title"]).write_text(self._with_free_ports(block["text"]), encoding="utf-8")
        for block in blocks:
            if block["kind"] == "console":
                self._run_all(block["text"])

    def close(self) -> None:
        for process in self._background:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def _run_all(self, text: str) -> None:
        for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", self._with_free_ports(text), re.MULTILINE):
            self.commands += 1
            if command.endswith("&"):
                self._start(command.removesuffix("&").split(), expected.splitlines())
            else:
                self._run(command.split(), expected)

    def _start(self, command: list[str], expected: list[str]) -> None:
        process = subprocess.Popen(
            [sys.executable, "-u", *command[1:]],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        self._background.append(process)
        assert process.stdout is not None
        assert [process.stdout.readline().rstrip("\n") for _ in expected] == expected

    def _run(self, command: list[str], expected: str) -> None:
        done = subprocess.run(
            [sys.executable, *command[1:]],
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert _comparable(done.stdout) == expected, done.stderr

    def _with_free_ports(self, text: str) -> str:
        return PORT.sub(lambda port: self._ports.setdefault(port[0], str(free_ports(1)[0])), text)


def _comparable(output: str) -> str:
    """The output without pytest's dots and seconds."""
    return re.sub(r"(?m)^[.]+ +\[100%\]\n|(?<=passed) in [\d.]+s", "", output)


@pytest.fixture
def consul_port() -> Iterator[int]:
    agent = ConsulAgent().start()
    yield agent.port
    agent.stop()


def test_the_tutorial_does_what_it_says(tmp_path: Path, consul_port: int) -> None:
    reader = Reader(tmp_path, consul_port)
    try:
        for page in PAGES:
            reader.read(page)
    finally:
        reader.close()
    assert reader.commands >= len(PAGES)
