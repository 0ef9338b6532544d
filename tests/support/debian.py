"""Programs out of Debian's archive, without installing them and without touching the system.

apt gets its own folders for everything that it would write, and one source: the mirror that the machine uses anyway,
with the signatures checked. Any user may do that.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

__all__ = ["cache_folder", "release_of_this_machine", "unpack"]

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def cache_folder() -> Path:
    """Where programs are kept between test runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "service-tests"


def release_of_this_machine() -> str:
    """The code name of the Debian release that runs here. Raises RuntimeError if it is another system."""
    for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.partition("=")[2].strip('"')
    raise RuntimeError("/etc/os-release names no release, so this is not Debian")


def unpack(packages: Sequence[str], *, release: str, into: Path, with_dependencies: bool = False) -> None:
    """Fetch packages of a Debian release and unpack them as the folder ``into``, which appears when all is there.

    ``with_dependencies`` adds the packages that they need and that this machine, of the same release, lacks.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    with (
        (into.parent / ".lock").open("w") as lock,
        tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpack-") as work_folder,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        if into.exists():
            return  # another test process was faster
        work = Path(work_folder)
        options = _private_apt(work / "apt", release)
        downloads = work / "packages"
        downloads.mkdir()
        _run(["apt-get", *options, "update"], downloads)
        if with_dependencies:
            packages = _with_dependencies(packages, options, downloads)
        _run(["apt-get", *options, "download", *packages], downloads)
        for package in downloads.glob("*.deb"):
            _run(["dpkg-deb", "-x", str(package), str(work / "unpacked")], work)
        (work / "unpacked").rename(into)


def _private_apt(folder: Path, release: str) -> list[str]:
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    (folder / "status").touch()
    source = folder / "sources.list"
    source.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {release} main\n", encoding="utf-8")
    options = {
        "Dir::Etc::sourcelist": source,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::State::status": folder / "status",
        "Dir::Cache": folder / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "",
    }
    return [f"--option={name}={value}" for name, value in options.items()]


def _with_dependencies(packages: Sequence[str], options: Sequence[str], folder: Path) -> list[str]:
    installed = "--option=Dir::State::status=/var/lib/dpkg/status"
    plan = _run(["apt-get", *options, installed, "install", "--simulate", "--no-install-recommends", *packages], folder)
    new = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
    return sorted({*packages, *new})


def _mirror() -> str:
    """The mirror of Debian's main archive that this machine's own sources name."""
    targets = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)"], Path.cwd())
    mirrors = [line for line in targets.splitlines() if line.endswith("/debian/")]
    if not mirrors:
        raise RuntimeError("apt's sources on this machine name no mirror of Debian")
    return mirrors[0]


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RuntimeError(f"'{command[0]}' is not there, so nothing can be fetched from Debian") from error
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"'{' '.join(command)}' failed: {error.stderr.strip()}") from error
    return done.stdout
