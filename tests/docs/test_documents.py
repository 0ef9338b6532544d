"""Every Python block of the README and the documents runs, in order, each document as a module of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import service_core.testing  # noqa: F401 - declares services itself, once for all documents
import service_health  # noqa: F401 - as above
from service_core import default_catalog
from service_otel import ServiceInstrumentor

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    file.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/**/*.md", "packages/*/README.md")
    for file in ROOT.glob(pattern)
    if file.parent.name != "tutorial"  # followed literally by test_tutorial
)


@pytest.fixture(autouse=True)
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each document declares and instruments what it likes, as in a process of its own."""
    for name, table in vars(default_catalog).items():
        if isinstance(table, dict | set):
            monkeypatch.setattr(default_catalog, name, table.copy())
    yield
    ServiceInstrumentor().uninstrument()


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
    assert list(document.examples())


@pytest.mark.parametrize("picture", sorted(ROOT.glob("docs/**/*.svg")), ids=lambda picture: str(picture.name))
def test_a_picture_loads_nothing_from_the_network(picture: Path) -> None:
    assert 'url("http' not in picture.read_text(encoding="utf-8")
