"""The program as a person meets it: in a terminal, interrupted, and with completion."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "service_cli"]
SECONDS = 60.0
_CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def in_terminal(words: list[str], columns: int, **environment: str) -> str:
    """What the command writes to a terminal of that width."""
    master, slave = pty.openpty()
    settings = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm-256color", **environment}
    with subprocess.Popen([*PROGRAM, *words], stdout=slave, stderr=slave, stdin=slave, env=settings):
        os.close(slave)
        parts = []
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux says so at the end of the other side
                break
            if not part:
                break
            parts.append(part)
    os.close(master)
    return b"".join(parts).decode()


@pytest.mark.parametrize("columns", [80, 120])
def test_no_line_is_wider_than_the_terminal(url: str, columns: int) -> None:
    lines = in_terminal(["list", url], columns, NO_COLOR="1").splitlines()

    assert len(lines) >= 5
    assert max(len(_CODES.sub("", line)) for line in lines) <= columns


def test_a_terminal_has_colours_unless_they_are_unwanted(url: str) -> None:
    assert "\x1b[32m" in in_terminal(["list", url], 100)
    assert "\x1b[32m" not in in_terminal(["list", url], 100, NO_COLOR="1")


def test_ctrl_c_ends_without_a_traceback(url: str) -> None:
    words = [*PROGRAM, "watch", url, "--interval", "0.1"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "[\n"  # the first look is written
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=SECONDS)

    assert (process.returncode, error) == (130, "")


def test_ctrl_c_ends_a_measurement(url: str) -> None:
    words = [*PROGRAM, "bench", url, "find", "number=7", "--for", "60s"]
    master, slave = pty.openpty()
    with subprocess.Popen(words, stdout=slave, stderr=slave, stdin=slave) as process:
        os.close(slave)
        written = b""
        while b" calls" not in written:  # its progress
            written += os.read(master, 65536)
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(OSError):  # Linux says so at the end of the other side
            while part := os.read(master, 65536):
                written += part
        assert process.wait(SECONDS) == 130
    os.close(master)

    assert b"Traceback" not in written


def test_the_command_without_words_shows_its_commands() -> None:
    shown = subprocess.run(PROGRAM, capture_output=True, text=True, timeout=SECONDS, check=False)

    for command in ("list", "describe", "call", "watch", "bench", "diff", "run"):
        assert f" {command} " in shown.stdout + shown.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_a_shell(shell: str) -> None:
    # The shell is named, instead of the one that has started the tests.
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        [*PROGRAM, "--show-completion", shell],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env=environment,
    )

    assert "_COMPLETE" in shown.stdout
