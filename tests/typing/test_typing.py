"""What type checkers tell users: nothing about right code, and something about every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MISTAKES = pytest.mark.parametrize("file", sorted((HERE / "refused").glob("*.py")), ids=lambda file: file.stem)
RIGHT = pytest.mark.parametrize("file", sorted((HERE / "accepted").glob("*.py")), ids=lambda file: file.stem)


def marked_lines(file: Path) -> set[int]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}


def mypy(*files: Path) -> str:
    command = [sys.executable, "-m", "mypy", "--config-file", ".mypy.ini", *map(str, files)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def pyright(file: Path) -> list[dict[str, object]]:
    settings = json.loads((ROOT / ".pyrightconfig.json").read_text(encoding="utf-8"))
    settings.update(
        include=[file.relative_to(HERE).as_posix()],
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
    found: list[dict[str, object]] = json.loads(output)["generalDiagnostics"]
    return found


@MISTAKES
def test_mypy_finds_every_mistake_and_nothing_else(file: Path) -> None:
    found = {int(number) for number in re.findall(rf"{file.name}:(\d+): error", mypy(file))}
    assert found == marked_lines(file)


@MISTAKES
def test_pyright_finds_every_mistake_and_nothing_else(file: Path) -> None:
    errors = [entry for entry in pyright(file) if entry["severity"] == "error"]
    found = {entry["range"]["start"]["line"] + 1 for entry in errors}  # type: ignore[index]
    assert found == marked_lines(file)


@RIGHT
def test_mypy_finds_nothing_in_right_code(file: Path) -> None:
    assert "Success" in mypy(file)


@RIGHT
def test_pyright_finds_nothing_in_right_code(file: Path) -> None:
    assert pyright(file) == []
