"""Listening sockets: of a TCP port, or of a path in the file system."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service_core import LocalServiceException, PortInUseException
from service_server_fastapi.settings import ServerSettings

BACKLOG: Final = 2048
"""Connections that may wait to be accepted."""
_LONGEST_PATH: Final = 103
"""Bytes of a path that every system takes: macOS has room for 104 with the end, Linux for 108."""

_LONGEST_WAIT: Final = 5.0
"""Seconds for other processes that begin to listen in the same folder."""


def bind_as(settings: ServerSettings) -> tuple[socket.socket, UnixSocketFile | None]:
    """The bound socket that the settings describe, and its file if it is a Unix domain socket."""
    if settings.uds is not None:
        return bind_unix(settings.uds.absolute(), settings.uds_mode)
    return bind(settings.host, settings.port), None


_REMEDIES: Final = {
    errno.EACCES: "; ports below 1024 are for privileged processes, choose a higher one",
    errno.EADDRNOTAVAIL: "; no interface of this machine has this address, use one that has or 0.0.0.0 for all",
}


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket; port 0 picks a free one. Raises PortInUseException, LocalServiceException."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":  # elsewhere the option lets two servers share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        # Listening at once: with SO_REUSEADDR a port is taken only by a socket that listens.
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseException(
                f"port {port} on {host} is taken by another process; stop it, choose another port, or port 0 for "
                f"any free one"
            ) from error
        hint = _REMEDIES.get(error.errno or 0, "")
        raise LocalServiceException(f"cannot listen on {host}:{port}: {error.strerror or error}{hint}") from error
    bound.setblocking(False)
    return bound


class UnixSocketFile:
    """The file of a bound Unix domain socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = _identity(path)
        self._process = os.getpid()

    def remove(self) -> None:
        """Remove the file, unless it is that of another server by now, or this is a forked child.

        To be called while the socket is open: until then the system does not give the file's number to another one.
        """
        identity, self._identity = self._identity, None
        if os.getpid() == self._process and identity is not None and identity == _identity(self._path):
            self._path.unlink(missing_ok=True)


def bind_unix(path: Path, mode: int) -> tuple[socket.socket, UnixSocketFile]:
    """A bound Unix domain socket, and its file, which has the permissions ``mode``.

    A file that a process has left behind is replaced: a socket that refuses connections. Raises PortInUseException if
    a server listens there, LocalServiceException for another kind of file and what the system refuses.
    """
    if not hasattr(socket, "AF_UNIX"):
        raise LocalServiceException("this system has no Unix domain sockets; listen on a port")
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise LocalServiceException(
            f"the path of a Unix socket has at most {_LONGEST_PATH} bytes, '{path}' has more; choose a shorter one"
        )
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _alone_in(path.parent):
            _remove_stale(path)
            bound.bind(os.fspath(path))
            file = UnixSocketFile(path)
            path.chmod(mode)  # before it listens, so that no connection is accepted with other permissions
            bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise LocalServiceException(f"cannot listen on the Unix socket '{path}': {error.strerror or error}") from error
    except BaseException:
        bound.close()
        raise
    bound.setblocking(False)
    return bound, file


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let one process at a time look for a socket and bind it: another could remove it before it listens."""
    import fcntl  # not on Windows

    lock, end = os.open(folder, os.O_RDONLY), time.monotonic() + _LONGEST_WAIT
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # a process that begins to listen, or one of another user that keeps us from it
                if time.monotonic() > end:
                    raise
                time.sleep(0.01)
        yield
    finally:
        os.close(lock)


def _remove_stale(path: Path) -> None:
    """Remove a socket on which no process listens. Raises PortInUseException, LocalServiceException."""
    try:
        kind = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise LocalServiceException(f"'{path}' exists and is no Unix socket; remove it, or choose another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a server that does not accept fast enough is one, too
        code = probe.connect_ex(os.fspath(path))
    if code == errno.ECONNREFUSED:
        path.unlink(missing_ok=True)
        return
    if code == errno.ENOENT:
        return
    if code not in (0, errno.EAGAIN, errno.EINPROGRESS):
        raise OSError(code, os.strerror(code))
    raise PortInUseException(f"another process listens on the Unix socket '{path}'; stop it, or choose another path")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
