"""Every Python block of the README and the documents runs, in order, each document as a module of its own."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    file.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "packages/*/README.md")
    for file in ROOT.glob(pattern)
)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_code_of_a_document_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("document_" + name.removesuffix(".md").replace("/", "_").replace("-", "_").lower())
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where type hints are looked up
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(ROOT / name)
    document.namespace = module.__dict__
    for example in document.examples():
        example.evaluate()


def test_the_readme_has_code() -> None:
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(ROOT / "README.md")
    assert len(list(document.examples())) == 3
