"""Sizes of the code base: lines per package, files per folder, the longest files and functions, public names.

``hatch run sizes`` prints them, and how many Python functions one call in memory enters at either end, sync and async.
"""

from __future__ import annotations

import ast
import asyncio
import sys
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from service_core import Catalog, Component, Service, component, service
from service_core.testing import in_memory

__all__ = ["ROOT", "Function", "files", "folders", "functions"]

ROOT: Final = Path(__file__).parents[2]
_NAMES: Final = Path(__file__).with_name("public_names.txt")


@dataclass(frozen=True, slots=True, order=True)
class Function:
    """A function with its number of lines."""

    lines: int
    name: str
    file: str


def _sources() -> Iterator[tuple[str, Path]]:
    for source in sorted((ROOT / "packages").glob("*/src")):
        for path in sorted(source.rglob("*.py")):
            yield path.relative_to(source).as_posix(), path


def files() -> dict[str, int]:
    """The number of lines of each file, by its path below ``src``."""
    return {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in _sources()}


def folders() -> dict[str, int]:
    """The number of Python files of each folder, without those below it."""
    return dict(Counter(name.rpartition("/")[0] for name, _ in _sources()))


def _nodes() -> Iterator[tuple[str, ast.AST]]:
    for name, path in _sources():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            yield name, node


def functions() -> list[Function]:
    """All functions, the longest first."""
    return sorted(
        (
            Function((node.end_lineno or node.lineno) - node.lineno + 1, node.name, name)
            for name, node in _nodes()
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ),
        reverse=True,
    )


def classes() -> int:
    """The number of classes."""
    return sum(isinstance(node, ast.ClassDef) for _, node in _nodes())


CATALOG: Final = Catalog()


@service("measured", catalog=CATALOG)
class Measured(Service):
    """The service whose calls are counted."""

    @abstractmethod
    def add(self, one: int, other: int) -> int: ...

    @abstractmethod
    async def add_later(self, one: int, other: int) -> int: ...


@component("measured", services=[Measured], catalog=CATALOG)
class MeasuredComponent(Component):
    """The component of it."""


class MeasuredImpl(Measured):
    """Adds."""

    def add(self, one: int, other: int) -> int:
        return one + other

    async def add_later(self, one: int, other: int) -> int:
        return one + other


def _entered(call: Callable[[], Any]) -> tuple[int, int]:
    """How many Python functions of ours one call enters, at the caller's end and at the server's.

    A coroutine counts once for each time it goes on.
    """
    ends = [0, 0]

    def trace(frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and "/src/service_" in file and "/testing/" not in file:  # which stands for the network
            ends[_is_served(frame)] += 1

    call()
    sys.setprofile(trace)
    try:
        call()
    finally:
        sys.setprofile(None)
    return ends[0], ends[1]


def _is_served(frame: FrameType | None) -> bool:
    """Whether a function of the dispatcher is being run."""
    while frame is not None and "/service_core/dispatch/" not in frame.f_code.co_filename:
        frame = frame.f_back
    return frame is not None


def functions_entered() -> dict[str, tuple[int, int]]:
    """The functions that a sync and an async call in memory enter, at either end."""
    with in_memory(MeasuredImpl(), catalog=CATALOG) as manager, asyncio.Runner() as runner:
        proxy = manager.get_service(Measured)
        return {
            "a sync": _entered(lambda: proxy.add(1, 2)),
            "an async": _entered(lambda: runner.run(proxy.add_later(1, 2))),
        }


def report() -> str:
    """All figures as text."""
    sizes, longest = files(), functions()
    packages: Counter[str] = Counter()
    for name, size in sizes.items():
        packages[name.partition("/")[0]] += size
    names = Counter(line.rpartition(".")[0] for line in _NAMES.read_text(encoding="utf-8").split())
    figures = [
        *(f"{count:6} lines in {package}" for package, count in sorted(packages.items())),
        f"{len(sizes):6} files in {len(folders())} folders",
        *(f"{count:6} files in {folder}" for folder, count in Counter(folders()).most_common(3)),
        *(f"{count:6} lines in {name}" for name, count in Counter(sizes).most_common(3)),
        *(f"{each.lines:6} lines in {each.name}() of {each.file}" for each in longest[:3]),
        f"{classes():6} classes",
        f"{sum(names.values()):6} public names, {names['service_core']} of them in the root of service_core",
        *(
            f"{caller:6} functions entered by {kind} call in memory at the caller's end, {server} at the server's"
            for kind, (caller, server) in functions_entered().items()
        ),
    ]
    return "\n".join(figures)


if __name__ == "__main__":
    sys.stdout.write(report() + "\n")
