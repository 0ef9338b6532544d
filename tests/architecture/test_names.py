"""One name, one thing: classes and public constants are defined once in all packages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.identifiers import classes_of, constants_of
from tests.architecture.sizes import ROOT

FILES = sorted((ROOT / "packages").glob("*/src/**/*.py"))
ALLOWED = {
    "PREFIX": "each package with settings has a prefix of its own for environment variables",
}
"""Names that stand in several modules, and why."""


@pytest.mark.parametrize("names", [classes_of, constants_of])
def test_a_name_is_defined_once(names: Callable[[Path], list[str]]) -> None:
    defined: dict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for name in names(file):
            defined[name].append(str(file.relative_to(ROOT)))
    twice = {name: where for name, where in defined.items() if len(where) > 1}
    assert {name: where for name, where in twice.items() if name not in ALLOWED} == {}


def test_each_exception_is_needed() -> None:
    defined = [name for file in FILES for name in (*classes_of(file), *constants_of(file))]
    assert [name for name in ALLOWED if defined.count(name) < 2] == []
