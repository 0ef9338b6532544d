"""What type checkers tell users: nothing about right code, and something about every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MISTAKES = HERE / "refused" / "user_mistakes.py"


def marked_lines() -> set[int]:
    lines = MISTAKES.read_text(encoding="utf-8").splitlines()
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


def test_mypy_finds_every_mistake_and_nothing_else() -> None:
    found = {int(number) for number in re.findall(r"user_mistakes\.py:(\d+): error", mypy(MISTAKES))}
    assert found == marked_lines()


def test_pyright_finds_every_mistake_and_nothing_else() -> None:
    errors = [entry for entry in pyright(MISTAKES) if entry["severity"] == "error"]
    found = {entry["range"]["start"]["line"] + 1 for entry in errors}  # type: ignore[index]
    assert found == marked_lines()


def test_mypy_finds_nothing_in_right_code() -> None:
    assert "Success" in mypy(HERE / "accepted" / "user_code.py")


def test_pyright_finds_nothing_in_right_code() -> None:
    assert pyright(HERE / "accepted" / "user_code.py") == []
