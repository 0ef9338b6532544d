"""docker-compose, from PATH or from Debian's archive."""

from __future__ import annotations

import shutil

from tests.support.debian import cache_folder, release_of_this_machine, unpack

__all__ = ["compose_command"]


def compose_command() -> list[str]:
    """The beginning of a command line. Debian's is a Python program for Debian's own interpreter."""
    on_path = shutil.which("docker-compose")
    if on_path:
        return [on_path]
    release = release_of_this_machine()
    unpacked = cache_folder() / f"compose-{release}"
    unpack(["docker-compose"], release=release, into=unpacked, with_dependencies=True)
    libraries = unpacked / "usr" / "lib" / "python3" / "dist-packages"
    return [
        "env",
        "-u",
        "PYTHONHOME",
        f"PYTHONPATH={libraries}",
        "/usr/bin/python3",
        str(unpacked / "usr/bin/docker-compose"),
    ]
