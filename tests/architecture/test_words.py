"""Words that names, messages and docstrings of the packages do not use: each has a plain technical one."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.architecture.identifiers import names_of, words_of
from tests.architecture.sizes import ROOT

REPLACED = {
    "nobody": "no client, no instance, none",
    "somebody": "a client, another process",
    "whoever": "any client",
    "whom": "which",
    "told": "reported, sent",
    "goodbye": "close_notify",
    "patience": "time limit",
    "deaf": "not reading",
    "nonsense": "malformed",
    "hung up": "disconnected",
    "hangs up": "disconnects",
}
"""Each word with what is written in its place."""
REPLACED_IN_NAMES = {
    "intake": "admission",
    "traffic": "in_flight",
    "holdings": "bindings",
    "detour": "failover",
    "alarm": "timer",
    "alarms": "timers",
    "front": "bypass",
    "arrived": "received",
    "trouble": "failure",
    "lend": "lease",
    "lent": "leased",
    "fate": "faults",
    "civil": "strict",
    "who": "caller",
    "asked": "queried, requested",
    "tell": "report, notify",
    "tells": "reports, notifies",
    "room": "space",
    "books": "records",
    "lane": "pool",
    "house": "package",
}
"""Each word with what is written in its place in names of classes, functions, parameters, variables and attributes."""
NOT_IN_TEST_NAMES = {*REPLACED, "alarm", "alarms", "trouble", "who", "tell", "tells", "lend", "lent", "fate", "civil"}
"""Words that names of tests do not use either. The others of the list are common words in a sentence."""
FILES = sorted((ROOT / "packages").glob("*/src/**/*.py"))
TESTS = sorted([*(ROOT / "packages").glob("*/tests/**/test_*.py"), *(ROOT / "tests").glob("**/test_*.py")])


@pytest.fixture(scope="module")
def uses() -> dict[str, list[str]]:
    """The names with each word, and their files. Tests of the contracts are left out, since they are sentences."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in FILES:
        for name in names_of(file):
            for word in words_of(name) if not name.startswith("test_") else ():
                found[word].append(f"{name} in {file.relative_to(ROOT)}")
    return found


@pytest.mark.parametrize("word", REPLACED)
def test_a_word_is_not_used(word: str) -> None:
    pattern = re.compile(rf"(?<![a-z]){word}(?![a-z])", re.IGNORECASE)  # also as a part of a name
    found = [f"{file.relative_to(ROOT)}: write {REPLACED[word]}" for file in FILES if pattern.search(_text(file))]
    assert found == []


@pytest.mark.parametrize("word", REPLACED_IN_NAMES)
def test_a_word_is_no_part_of_a_name(word: str, uses: dict[str, list[str]]) -> None:
    assert [f"{use}: write {REPLACED_IN_NAMES[word]}" for use in uses.get(word, [])] == []


def test_names_of_tests_use_none_of_them() -> None:
    names = {name for file in TESTS for name in names_of(file) if name.startswith("test_")}
    assert len(names) > 1000
    assert [name for name in sorted(names) if NOT_IN_TEST_NAMES & set(words_of(name))] == []


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
