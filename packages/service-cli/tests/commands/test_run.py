"""``service run``, as a process."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Command

PROGRAM = [sys.executable, "-m", "service_cli"]
SECONDS = 60.0
GREETING = """
from abc import abstractmethod
from service_core import Service, service

@service
class Greeter(Service):
    @abstractmethod
    def greet(self, name: str) -> str: ...

class GreeterImpl(Greeter):
    def greet(self, name: str) -> str:
        return f"hello {name}"

text = "no class"
"""
BROKEN = """
from service_core import ComponentRegistry
from service_core.di import create, module


@module()
class Broken:
    @create()
    def create_registry(self) -> ComponentRegistry:
        raise RuntimeError("the address of the registry is not set")
"""


def test_an_implementation_is_served_until_a_signal(service: Command, tmp_path: Path) -> None:
    (tmp_path / "greeting.py").write_text(GREETING)
    words = [*PROGRAM, "run", "greeting:GreeterImpl", "--port", "0"]
    with subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        outcome = service("call", said.split()[-1], "greet", "name=ann", "--json")
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert said.startswith("serving greeting:GreeterImpl on http://127.0.0.1:")
    assert outcome.json == "hello ann"


@pytest.mark.parametrize(
    ("target", "error", "remedy"),
    [
        ("greeting", "'greeting' names no class", "write module:Class"),
        (
            "greeting:GreterImpl",
            "greeting:GreterImpl: module 'greeting' has no 'GreterImpl'",
            "write greeting:GreeterImpl",
        ),
        ("greeting:x", "greeting:x: module 'greeting' has no 'x'", "write module:Class"),
        ("greeting:text", "greeting:text is not a class", "name a class that is decorated with @module"),
        (
            "no_such:X",
            "no_such:X: there is no module 'no_such'",
            "run the command in the folder that holds it, or install it",
        ),
    ],
)
def test_a_target_that_cannot_be_served_is_refused_with_its_remedy(
    target: str, error: str, remedy: str, tmp_path: Path
) -> None:
    (tmp_path / "greeting.py").write_text(GREETING)
    ended = subprocess.run(
        [*PROGRAM, "run", target], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert (ended.returncode, ended.stderr.splitlines()) == (2, [f"error: {error}", f"remedy: {remedy}"])


def test_an_address_without_a_scheme_is_refused_with_one(service: Command) -> None:
    outcome = service("list", "127.0.0.1:8000")
    assert outcome.error.splitlines() == [
        "error: '127.0.0.1:8000' has no scheme",
        "remedy: write http://127.0.0.1:8000",
    ]
    assert outcome.code == 2


def test_an_error_of_the_program_at_its_start_is_one_message_with_its_place(
    service: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "broken_program.py"
    file.write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    outcome = service("run", "broken_program:Broken", "--port", "0")
    assert outcome.code == 1
    assert outcome.error == (
        "error: broken_program:Broken does not start: RuntimeError: the address of the registry is not set "
        f"({file}:10, in create_registry)\n"
    )
