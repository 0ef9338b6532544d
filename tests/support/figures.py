"""A pytest plugin for figures: tests measure, and the table at the end of the run says what came out.

A figure is not a verdict. On a shared machine a time proves nothing when it is long, so tests assert what must
hold, and hand the time to the fixture ``figures``.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

__all__ = ["Figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table."""

    name: str
    value: float | str
    unit: str


class Figures:
    """Collects what tests measure."""

    def __init__(self) -> None:
        self._figures: list[Figure] = []

    def add(self, name: str, value: float | str, unit: str = "") -> None:
        """Note a figure; a number is shown with three significant digits."""
        self._figures.append(Figure(name=name, value=value, unit=unit))

    def lines(self) -> list[str]:
        """The table, line by line."""
        width = max((len(figure.name) for figure in self._figures), default=0)
        return [
            f"{figure.name:<{width}}  {_shown(figure.value):>10} {figure.unit}".rstrip() for figure in self._figures
        ]


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


_KEY = pytest.StashKey[Figures]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin with an empty table."""
    config.stash[_KEY] = Figures()


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> Figures:
    """The table that is printed after the run."""
    return pytestconfig.stash[_KEY]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    lines = config.stash[_KEY].lines()
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
