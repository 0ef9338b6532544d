"""A process that serves the desk and tells what happens in it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from service_core import unix_url

HERE = Path(__file__).parent
LIMIT = 30.0


class Program:
    """A process that tells what happens in it."""

    def __init__(
        self, *command: str, port: int = 0, uds: Path | None = None, prefix: Sequence[str] = (), **settings: object
    ) -> None:
        self.url = f"http://127.0.0.1:{port}" if uds is None else unix_url(uds)
        where = {"host": "127.0.0.1", "port": port} if uds is None else {"uds": uds}
        reported = {**where, "propagation_delay": 0.2, **settings}
        paths = [str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])]
        variables = {f"SERVICE_SERVER_{name.upper()}": str(value) for name, value in reported.items()}
        self.process = subprocess.Popen(
            [*prefix, sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=HERE,
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(paths)},
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.errors = ""
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=reader, daemon=True) for reader in (self._read, self._read_errors)]
        for reader in self._readers:
            reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._changed:
                self.lines.append(line.rstrip())
                self._changed.notify_all()

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        self.errors = self.process.stderr.read()

    def wait_for(self, line: str, count: int = 1) -> None:
        """Wait until a line has been written as often as that."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.lines.count(line) >= count, LIMIT), (self.lines, self.errors)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end of the process; its exit code, negative for a signal."""
        code = self.process.wait(LIMIT)
        for reader in self._readers:
            reader.join(LIMIT)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.end()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()
