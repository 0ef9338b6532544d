"""Words that the packages do not use, in names, messages and docstrings: each has a plain technical one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

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
FILES = sorted((ROOT / "packages").glob("*/src/**/*.py"))


@pytest.mark.parametrize("word", REPLACED)
def test_a_word_is_not_used(word: str) -> None:
    pattern = re.compile(rf"(?<![a-z]){word}(?![a-z])", re.IGNORECASE)  # also as a part of a name
    found = [f"{file.relative_to(ROOT)}: write {REPLACED[word]}" for file in FILES if pattern.search(_text(file))]
    assert found == []


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")
