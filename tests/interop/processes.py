"""Starts the peer's server as a process of its own."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PEER = Path(__file__).with_name("peer.py")

ANSWERS = {
    "hello": "hello ours",
    "order": {"number": 8, "items": [{"name": "tea", "price": 2.5, "tags": ["a", "b"]}]},
    "failure": "RemoteServiceException",
    "async": "hello ours",
}
"""What an aspyx-service client gets for its calls if all is well."""


@contextmanager
def peer_server(python: str, *options: str, time_limit: float = 30.0) -> Iterator[str]:
    """The URL of an aspyx-service server, as long as the block lasts."""
    port = free_port()
    with subprocess.Popen([python, str(PEER), "serve", str(port), *options], stdin=subprocess.PIPE) as process:
        try:
            wait_until_accepting(port, process, time_limit)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def peer_calls(python: str, channel: str, address: str) -> Any:
    """What an aspyx-service client got for its calls; the address is a URL, or the port of a Consul agent."""
    command = [python, str(PEER), "call", channel, address]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"the peer failed:\n{run.stderr}")
    return json.loads(run.stdout.splitlines()[-1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_accepting(port: int, process: subprocess.Popen[bytes], time_limit: float) -> None:
    """The peer says nothing when it is up, so it is asked."""
    deadline = time.monotonic() + time_limit
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the peer ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"the peer did not listen within {time_limit:g} s")
