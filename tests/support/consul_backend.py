"""Two ways to run a Consul program: in a container by testcontainers, or as a process.

A container is used where a Docker engine answers and has, or can pull, the image ``$CONSUL_IMAGE``; else the local
binary. ``CONSUL_BACKEND=docker`` or ``binary`` decides it, and then what is missing is an error.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from tests.support.consul_binary import consul_binary

__all__ = ["ConsulProcess", "backend", "launch"]

DEFAULT_IMAGE = "hashicorp/consul:1.20"
DEFAULT_SOCKET = Path("/var/run/docker.sock")
PATIENCE = 10.0


class ConsulProcess(Protocol):
    """A running Consul program."""

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""

    def wait(self) -> None:
        """Wait until it has ended, and remove what is left of it."""

    def output(self) -> str:
        """What it has said so far."""
        ...


def launch(arguments: Sequence[str], folder: Path | None = None) -> ConsulProcess:
    """Start Consul with command line arguments, which may name files in ``folder``."""
    return _Container(arguments, folder) if backend() == "docker" else _Process(arguments)


@functools.cache
def backend() -> str:
    """``docker`` or ``binary``."""
    wanted = os.environ.get("CONSUL_BACKEND")
    if wanted in ("docker", "binary"):
        return wanted
    if wanted:
        raise RuntimeError(f"CONSUL_BACKEND={wanted}; it is 'docker' or 'binary'")
    return "docker" if _engine_has_image() else "binary"


def _image() -> str:
    return os.environ.get("CONSUL_IMAGE", DEFAULT_IMAGE)


def _engine_has_image() -> bool:
    if "DOCKER_HOST" not in os.environ and not DEFAULT_SOCKET.exists():
        return False
    # Only where there may be an engine: the binary does without.
    import docker  # type: ignore[import-untyped]
    from docker.errors import DockerException, ImageNotFound  # type: ignore[import-untyped]

    try:
        with contextlib.closing(docker.from_env()) as client:
            try:
                client.images.get(_image())
            except ImageNotFound:
                client.images.pull(_image())
    except DockerException:
        return False
    return True


class _Process:
    def __init__(self, arguments: Sequence[str]) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed in wait()
        self._process = subprocess.Popen(
            [consul_binary(), *arguments], stdout=self._output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> None:
        self._process.wait(PATIENCE)
        self._output.close()

    def output(self) -> str:
        self._output.seek(0)
        return self._output.read().decode(errors="replace")


class _Container:
    def __init__(self, arguments: Sequence[str], folder: Path | None) -> None:
        from testcontainers.core.container import DockerContainer

        # The agent's checks and the servers under test meet on the host's loopback interface.
        self._container = DockerContainer(_image(), network_mode="host").with_command(list(arguments))
        if folder is not None:
            self._container.with_volume_mapping(str(folder), str(folder), "ro")
        self._container.start()

    def signal(self, number: signal.Signals) -> None:
        self._container.get_wrapped_container().kill(signal=number.name)

    def wait(self) -> None:
        self._container.get_wrapped_container().wait(timeout=PATIENCE)
        self._container.stop()

    def output(self) -> str:
        return b"\n".join(self._container.get_logs()).decode(errors="replace")
