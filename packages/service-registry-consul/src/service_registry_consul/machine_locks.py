"""Locks between the processes of one machine, which the kernel releases at the end of their holder.

They are empty files in a folder of the user's own, locked with ``flock``. Where there is no such folder or no
``flock``, as on Windows, every process counts as alone.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from service_core.process import call_in_child, detach

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

logger: Final = logging.getLogger("service.registry.consul")

_PLACES: Final = ("/dev/shm", tempfile.gettempdir)  # noqa: S108 - the folder in it belongs to the user alone
"""The first writable folder is used; the former is writable in containers whose file system is read-only."""
_ODD: Final = re.compile(r"[^A-Za-z0-9.-]+")


class MachineLock:
    """A named lock, shared by any number of processes or held exclusively by one. Not thread-safe.

    A forked child does not hold the locks of its parent.
    """

    def __init__(self, name: str) -> None:
        readable = _ODD.sub("_", name)[:80]
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        self._file: Final = f"{readable}-{digest}"
        self._path: Path | None = None
        self._descriptor = -1
        call_in_child(self._forget)

    def share(self) -> bool:
        """Acquire it shared; False if a process holds it exclusively at the moment."""
        return self._lock(exclusive=False)

    def take(self) -> bool:
        """Acquire it exclusively; False if others hold it, and then this process does not hold it any more."""
        return self._lock(exclusive=True)

    def release(self) -> None:
        """Release it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        """Release a lock that this process holds exclusively, and remove its file."""
        if self._descriptor >= 0 and self._path is not None:
            self._path.unlink(missing_ok=True)
        self.release()

    def holders(self) -> tuple[int, ...]:
        """The processes that hold it, as the kernel lists them (Linux); empty if that is unknown."""
        if self._descriptor < 0:
            return ()
        file = f":{os.fstat(self._descriptor).st_ino}"
        try:
            lines = Path("/proc/locks").read_text(encoding="ascii").splitlines()
        except OSError:
            return ()
        locks = (line.split() for line in lines if " FLOCK " in line and "->" not in line)
        return tuple(sorted({int(parts[4]) for parts in locks if parts[5].endswith(file)}))

    def _lock(self, *, exclusive: bool) -> bool:
        if fcntl is None or not self._open():
            return True
        wanted = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB
        try:
            fcntl.flock(self._descriptor, wanted)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            self.release()
            return False
        if self._is_current():
            return True
        self.release()  # the last holder has removed the file meanwhile
        return self._lock(exclusive=exclusive)

    def _open(self) -> bool:
        if self._descriptor >= 0:
            return True
        folder = _folder()
        if folder is None:
            return False
        self._path = folder / self._file
        self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        return True

    def _is_current(self) -> bool:
        try:
            return self._path is not None and self._path.stat().st_ino == os.fstat(self._descriptor).st_ino
        except FileNotFoundError:
            return False

    def _forget(self) -> None:
        """In a forked child, whose copy would otherwise keep the lock after the end of its parent."""
        detach([self._descriptor])
        self.release()


class Slots:
    """A number of slots for all processes of the user on this machine. Not thread-safe."""

    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._taken: list[MachineLock] = []

    def take(self) -> bool:
        """Take a slot until :meth:`release`; False if all are taken."""
        for number in range(self._count):
            lock = MachineLock(f"{self._name}-{number}")
            if lock.take():
                self._taken.append(lock)
                return True
        return False

    def release(self) -> None:
        """Release all slots."""
        for lock in self._taken:
            lock.remove()
        self._taken.clear()


def _folder() -> Path | None:
    """The folder of the user, None if no folder is writable."""
    owner = os.getuid()
    for place in _PLACES:
        try:
            folder = Path(place if isinstance(place, str) else place()) / f"service-registry-{owner}"
            folder.mkdir(mode=0o700, exist_ok=True)
            if folder.lstat().st_uid == owner and not folder.is_symlink() and os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    logger.warning(
        "no folder for locks is writable (%s): each process registers as if it were alone on its port; with several "
        "workers, make one of them writable",
        ", ".join(str(place if isinstance(place, str) else "the folder for temporary files") for place in _PLACES),
    )
    return None
