"""Type checkers other than mypy and pyright find nothing in right code of users."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACCEPTED = sorted((ROOT / "tests" / "typing" / "accepted").glob("*.py"))
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [["ty", "check", "--python", sys.prefix], ["pyrefly", "check", "--python-interpreter-path", sys.executable]],
    ids=lambda command: str(command[0]),
)
def test_a_type_checker_accepts_what_users_write(command: list[str]) -> None:
    done = subprocess.run([BIN / command[0], *command[1:], *ACCEPTED], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
