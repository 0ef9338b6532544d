"""What type checkers tell users: nothing about right code, and something about every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
RIGHT = sorted((HERE / "accepted").glob("*.py"))
WRONG = sorted((HERE / "refused").glob("*.py"))

Lines = dict[str, set[int]]
"""Numbers of lines by the name of their file."""

MARKED: Lines = {
    file.name: {
        number
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
        if line.endswith("# wrong")
    }
    for file in WRONG
}


def found_by_mypy() -> Lines:
    command = [sys.executable, "-m", "mypy", "--config-file", ".mypy.ini", *map(str, [*RIGHT, *WRONG])]
    output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    found: Lines = {}
    for name, number in re.findall(r"(\w+\.py):(\d+): error", output):
        found.setdefault(name, set()).add(int(number))
    return found


def found_by_pyright() -> Lines:
    settings = json.loads((ROOT / ".pyrightconfig.json").read_text(encoding="utf-8"))
    settings.update(
        include=["accepted", "refused"],
        exclude=[],
        extraPaths=[str(ROOT / path) for path in settings["extraPaths"]],
    )
    project = HERE / ".pyright-of-test.json"
    project.write_text(json.dumps(settings), encoding="utf-8")
    try:
        command = [sys.executable, "-m", "pyright", "-p", str(project), "--outputjson"]
        output = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    finally:
        project.unlink()
    found: Lines = {}
    for entry in json.loads(output)["generalDiagnostics"]:
        found.setdefault(Path(entry["file"]).name, set()).add(entry["range"]["start"]["line"] + 1)
    return found


def test_mypy_finds_every_mistake_and_nothing_in_right_code() -> None:
    assert found_by_mypy() == MARKED


def test_pyright_finds_every_mistake_and_nothing_in_right_code() -> None:
    assert found_by_pyright() == MARKED
