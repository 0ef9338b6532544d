"""A pytest plugin for figures: tests measure, and the table at the end of the run says what came out.

A figure is not a verdict. On a shared machine a time proves nothing when it is long, so tests assert what must
hold, and hand the time to the fixture ``figures``. Figures travel with the reports of their tests, so that they
arrive from the workers of a parallel run too.
"""

from __future__ import annotations

from typing import Any, Final, cast

import pytest

__all__ = ["Figures"]

_PROPERTY: Final = "figure"


class Figures:
    """Collects what one test measures."""

    def __init__(self, properties: list[tuple[str, Any]]) -> None:
        """``properties`` is what goes with the report of the test."""
        self._properties = properties

    def add(self, name: str, value: float | str, unit: str = "") -> None:
        """Note a figure; a number is shown with three significant digits."""
        self._properties.append((_PROPERTY, [name, f"{_shown(value):>10} {unit}".rstrip()]))


def _shown(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Figures:
    """Takes what the test measures."""
    return Figures(request.node.user_properties)


class _Table:
    """Gathers the figures of all tests, and shows them after the run."""

    def __init__(self) -> None:
        self._lines: list[list[str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the figures of a test that has ended."""
        if report.when == "teardown":
            self._lines += [cast(list[str], reported) for name, reported in report.user_properties if name == _PROPERTY]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print them."""
        if not self._lines:
            return
        width = max(len(name) for name, _ in self._lines)
        terminalreporter.section("figures")
        for name, shown in self._lines:
            terminalreporter.write_line(f"{name:<{width}}  {shown}")


def pytest_configure(config: pytest.Config) -> None:
    """Begin with an empty table."""
    config.pluginmanager.register(_Table(), "figures-table")
