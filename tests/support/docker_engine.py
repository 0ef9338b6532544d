"""A Docker engine of its own, for machines that have none: Debian's, unpacked, started with folders of its own.

``python -m tests.support.docker_engine COMMAND...`` runs a command beside such an engine, with the variables set that
Docker clients and testcontainers read, and with an image of the local Consul program imported. It takes root, but
leaves the machine's network and firewall alone: containers use the host's network.
"""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.consul_binary import consul_binary
from tests.support.debian import cache_folder, release_of_this_machine, unpack

__all__ = ["consul_image", "docker_engine"]

PACKAGES = ["docker.io", "containerd", "runc"]
CONSUL_IMAGE = "service-tests/consul:local"
PATIENCE = 30.0
_FLAGS = [
    "--iptables=false",
    "--ip6tables=false",
    "--ip-forward=false",
    "--ip-masq=false",
    "--bridge=none",
    "--storage-driver=vfs",
]


@contextmanager
def docker_engine() -> Iterator[Mapping[str, str]]:
    """Run an engine as long as the block lasts; gives the environment variables with which clients find it.

    Raises RuntimeError if it cannot be had or does not come up, with its last words.
    """
    programs = _programs()
    with tempfile.TemporaryDirectory(prefix="docker-engine-") as folder_name:
        folder = Path(folder_name)
        host = f"unix://{folder}/docker.sock"
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    programs / "dockerd",
                    *_FLAGS,
                    f"--host={host}",
                    f"--data-root={folder}/data",
                    f"--exec-root={folder}/exec",
                    f"--pidfile={folder}/pid",
                ],
                env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        environment = {
            "DOCKER_HOST": host,
            "TESTCONTAINERS_RYUK_DISABLED": "true",
            "PATH": f"{os.environ['PATH']}:{programs}",  # for the client, if there is none
        }
        try:
            _wait_until_up(process, environment, log)
            yield environment
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE)
            # The engine leaves the name of the host's network namespace mounted.
            subprocess.run(["umount", folder / "exec" / "netns" / "default"], check=False, capture_output=True)


def consul_image(environment: Mapping[str, str]) -> str:
    """Make an image of the local Consul program in an engine; gives its name."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, name in _files_of_a_program(consul_binary()).items():
            tar.add(path, name, recursive=False)
        for folder in ("tmp", "consul/data"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
    _docker(
        environment, "import", "--change", 'ENTRYPOINT ["/usr/bin/consul"]', "-", CONSUL_IMAGE, data=archive.getvalue()
    )
    return CONSUL_IMAGE


def _programs() -> Path:
    """The folder that holds dockerd, containerd and runc."""
    unpacked = cache_folder() / f"docker-{release_of_this_machine()}"
    if not unpacked.exists():
        unpack(PACKAGES, release=release_of_this_machine(), into=unpacked)
    folder = unpacked / "usr" / "bin"
    for program in (unpacked / "usr" / "sbin").iterdir():
        link = folder / program.name
        if not link.exists():
            link.symlink_to(program)
    return folder


def _files_of_a_program(program: Path) -> dict[Path, str]:
    """A program, its loader and its libraries, by the place where it looks for them."""
    files = {program.resolve(): "usr/bin/consul"}
    listed = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    for path in re.findall(r"(/\S+) \(0x", listed):
        files[Path(path).resolve()] = path.lstrip("/")
    return files


def _wait_until_up(process: subprocess.Popen[bytes], environment: Mapping[str, str], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _docker(environment, "version")
        except subprocess.CalledProcessError:
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"the Docker engine did not come up:\n{log.read_text(errors='replace')[-2000:]}")


def _docker(environment: Mapping[str, str], *arguments: str, data: bytes | None = None) -> None:
    subprocess.run(
        ["docker", *arguments], env={**os.environ, **environment}, input=data, check=True, capture_output=True
    )


def _main(command: list[str]) -> int:
    with docker_engine() as environment:
        image = consul_image(environment)
        variables = {**os.environ, **environment, "CONSUL_IMAGE": image, "CONSUL_BACKEND": "docker"}
        return subprocess.run(command, env=variables, check=False).returncode


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
