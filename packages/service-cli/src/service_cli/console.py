"""Where output goes: results to standard output, progress and errors to standard error."""

from __future__ import annotations

from typing import Any, Final

from pydantic_core import to_json
from rich.console import Console, RenderableType
from rich.measure import Measurement

_UNLIMITED: Final = 100_000
"""Columns of a pipe or a file, where lines are not to be cut or wrapped."""


def console() -> Console:
    """Standard output."""
    return Console(highlight=False)


def show(renderable: RenderableType) -> None:
    """Write what people read: with the terminal's colours and width, or as plain lines of any length in a pipe."""
    output = console()
    if output.is_terminal:
        output.print(renderable)
        return
    measured = Measurement.get(output, output.options.update(width=_UNLIMITED), renderable)
    plain = Console(highlight=False, width=max(1, measured.maximum), color_system=None)
    with plain.capture() as captured:
        plain.print(renderable)
    for line in captured.get().splitlines():
        output.out(line.rstrip(), highlight=False)


def error_console() -> Console:
    """Standard error."""
    return Console(stderr=True, highlight=False)


def write_json(data: Any, *, in_one_line: bool = False) -> None:
    """Write data as JSON, without colours: for programs. Indented, or in one line as one of several documents."""
    text = to_json(data, indent=None if in_one_line else 2).decode()
    console().out(text, highlight=False)
