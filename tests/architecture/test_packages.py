"""The structure that the packages promise: which package may import which, no circles, and which names are public."""

from __future__ import annotations

import importlib
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGES = {
    "service_core": set[str](),
    "service_channels_http": {"service_core"},
    "service_registry_consul": {"service_core"},
    "service_health": {"service_core"},
    "service_server_fastapi": {"service_core", "service_health"},
    "service_cli": {"service_core", "service_channels_http"},
    "service_otel": {"service_core"},
}
PUBLIC = [
    *PACKAGES,
    "service_health.checks",
    "service_health.endpoint",
    *(
        f"service_core.{room}"
        for room in (
            "addresses",
            "aop",
            "arguments",
            "describing",
            "di",
            "dispatch",
            "errors",
            "hosting",
            "markers",
            "observing",
            "process",
            "registry",
            "resilience",
            "rest",
            "testing",
            "tls",
            "wire",
            "wire.streams",
        )
    ),
]
"""The modules whose names are public: other packages import from no others."""
PINNED = Path(__file__).with_name("public_names.txt")
SOURCES = sorted(Path(__file__).parents[2].glob("packages/*/src/**/*.py"))


@cache
def import_graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def imports_of(module: str) -> set[str]:
    return import_graph().find_modules_directly_imported_by(module)


def modules_of(package: str) -> set[str]:
    return {package, *import_graph().find_descendants(package)}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_the_siblings_below_it(package: str) -> None:
    imported = {name.partition(".")[0] for module in modules_of(package) for name in imports_of(module)}
    assert imported & PACKAGES.keys() - {package} <= PACKAGES[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_files_do_not_import_in_a_circle(package: str) -> None:
    modules = modules_of(package)
    # A package's __init__ collects what its files hold; a file that imports through it would close a circle.
    order = TopologicalSorter({module: imports_of(module) & modules for module in modules})
    order.prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("package", "absent"),
    [
        ("service_core", {"httpx", "fastapi", "starlette", "uvicorn", "consul", "requests", "pydantic_settings"}),
        ("service_channels_http", {"fastapi", "starlette", "uvicorn"}),
        ("service_server_fastapi", {"httpx", "requests", "consul"}),
        ("service_otel", {"httpx", "fastapi", "starlette", "uvicorn", "consul", "requests"}),
        ("service_cli", {"fastapi", "starlette", "uvicorn", "consul", "requests"}),
        ("service_health", {"httpx", "fastapi", "starlette", "consul", "requests"}),
    ],
)
def test_a_package_does_without_the_other_side(package: str, absent: set[str]) -> None:
    imported = {name.partition(".")[0] for module in modules_of(package) for name in imports_of(module)}
    assert not imported & absent


def test_public_names_are_the_pinned_ones() -> None:
    """A name that appears or goes is a decision: write it into public_names.txt with the change."""
    exported = [f"{module}.{name}" for module in PUBLIC for name in sorted(importlib.import_module(module).__all__)]
    assert exported == PINNED.read_text(encoding="utf-8").split()


def test_only_rooms_and_public_modules_list_their_names() -> None:
    """In all other modules, a leading underscore says which names are for the module alone."""
    files = [file for file in SOURCES if file.name != "__init__.py" and "\n__all__ = " in file.read_text("utf-8")]
    listed = {".".join(file.with_suffix("").parts[file.parts.index("src") + 1 :]) for file in files}
    assert listed <= {*PUBLIC}


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    assert [name for name in loaded.__all__ if not hasattr(loaded, name)] == []
