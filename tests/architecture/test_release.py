"""What a release writes into a package."""

from __future__ import annotations

import importlib.util
import shutil
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.sizes import ROOT

URL = "https://example.org/someone/services"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "service-cli"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / "packages" / "service-cli" / name, folder)
    return folder


def test_version_and_bounds_of_siblings_rise_together(release: ModuleType, package: Path) -> None:
    release.bump(package / "pyproject.toml", "7.3.1")
    project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == "7.3.1"
    assert {"service-core>=7.3,<7.4", "service-channels-http>=7.3,<7.4"} <= set(project["dependencies"])
    assert project["optional-dependencies"]["serve"] == ["service-server-fastapi>=7.3,<7.4"]


def test_the_public_address_makes_links_absolute(release: ModuleType, package: Path) -> None:
    assert release.relative_links(package)
    for _ in range(2):  # the address may be given again
        release.link(package, URL)
    assert release.relative_links(package) == []
    assert f"]({URL}/blob/main/docs/how-to/command-line.md)" in (package / "README.md").read_text(encoding="utf-8")
    urls = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    assert urls["Homepage"] == URL
    assert urls["Changelog"] == f"{URL}/blob/main/packages/service-cli/CHANGELOG.md"
