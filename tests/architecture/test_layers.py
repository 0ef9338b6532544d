"""The layers of each package, the sizes of files, functions and folders, and the modules that siblings may import.

The limits are those of the project's style. What exceeds one today is named with its size, which may only shrink.
"""

from __future__ import annotations

from functools import cache

import grimp
import pytest

from tests.architecture.sizes import ROOT, Function, files, folders, functions
from tests.architecture.test_packages import PACKAGES, PUBLIC

FLOORS: dict[str, list[set[str]]] = {
    "service_core": [
        {"addresses", "arguments", "error_codes", "markers", "process"},
        {"errors"},
        {"context", "declaring", "tls"},
        {"aop", "call", "registry", "tracing"},
        {"di", "hosting", "resilience", "wire"},
        {"observing", "rest"},
        {"calling", "describing", "dispatch"},
        {"testing"},
        {""},
    ],
    "service_channels_http": [
        {"transport"},
        {"authorization", "dispatch_exchange", "settings"},
        {"channel"},
        {"streams"},
        {"exchange_channel"},
        {"connection", "dispatch", "rest_channel"},
        {""},
    ],
    "service_health": [
        {"endpoint", "settings"},
        {"decorators", "findings"},
        {"check", "checks", "unused_classes"},
        {"manager"},
        {"module"},
        {""},
    ],
    "service_registry_consul": [
        {"background", "python_consul", "machine_locks", "meta"},
        {"settings"},
        {"connection"},
        {"registering", "watching"},
        {"registry"},
        {""},
    ],
    "service_server_fastapi": [
        {"access", "paths"},
        {"settings"},
        {"requests"},
        {"http1", "lifecycle"},
        {"endpoints", "listening"},
        {"rest"},
        {"application"},
        {"serving"},
        {"server"},
        {"implementation_server"},
        {""},
    ],
    "service_otel": [
        {"conventions"},
        {"calls"},
        {"instrumentation"},
        {""},
    ],
    "service_cli": [
        {"console"},
        {"failures"},
        {"schema"},
        {"bench", "diffing", "options", "targets"},
        {"calling", "rendering"},
        {"commands"},
        {"program"},
        {"", "__main__"},
    ],
}
"""The rooms of a package from the lowest floor to the highest; ``__init__`` is the room without a name."""

FILE_LINES, FUNCTION_LINES, FOLDER_FILES = 250, 50, 12

LONG_FILES: dict[str, int] = {}
FULL_FOLDERS: dict[str, int] = {}


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def imports() -> list[tuple[str, str]]:
    found = graph()
    return [(one, other) for one in found.modules for other in found.find_modules_directly_imported_by(one)]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("package", FLOORS)
def test_every_room_has_a_floor(package: str) -> None:
    rooms = {room(module) for module in graph().modules if module.split(".")[0] == package}
    assert rooms == set().union(*FLOORS[package])


@pytest.mark.parametrize("package", FLOORS)
def test_rooms_import_only_from_lower_floors(package: str) -> None:
    floor = {name: number for number, names in enumerate(FLOORS[package]) for name in names}
    upward = [
        f"{one} imports {other}"
        for one, other in imports()
        if one.split(".")[0] == other.split(".")[0] == package
        and room(one) != room(other)
        and floor[room(other)] >= floor[room(one)]
    ]
    assert upward == []


def test_packages_import_only_the_public_modules_of_others() -> None:
    inner = [
        f"{one} imports {other}"
        for one, other in imports()
        if one.split(".")[0] != other.split(".")[0] and other not in PUBLIC
    ]
    assert inner == []


def test_public_modules_are_rooms() -> None:
    """A room names its public API in its ``__init__``; a module inside of one is its own affair."""
    assert [module for module in PUBLIC if module.count(".") > 1 and not graph().find_children(module)] == []


def test_files_have_at_most_250_lines() -> None:
    long = {name: lines for name, lines in files().items() if lines > FILE_LINES}
    assert {name for name, lines in long.items() if lines > LONG_FILES.get(name, FILE_LINES)} == set()


def test_functions_fit_a_screen() -> None:
    long: list[Function] = [function for function in functions() if function.lines > FUNCTION_LINES]
    assert long == []


def test_folders_have_at_most_12_files() -> None:
    full = {name: count for name, count in folders().items() if count > FULL_FOLDERS.get(name, FOLDER_FILES)}
    assert full == {}


def test_the_packages_are_where_the_sizes_are_measured() -> None:
    assert (ROOT / "packages" / "service-core" / "src" / "service_core").is_dir()
    assert files()["service_core/__init__.py"] > 0
