"""Sockets that listen: of ports, and of files."""

from __future__ import annotations

import errno
import multiprocessing
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service_core import LocalServiceException, PortInUseException
from service_server_fastapi.listening import sockets
from service_server_fastapi.listening.sockets import UnixSocketFile, bind, bind_unix


@pytest.fixture
def bound() -> Iterator[socket.socket]:
    with bind("127.0.0.1", 0) as bound:
        yield bound


def port_of(bound: socket.socket) -> int:
    port: int = bound.getsockname()[1]
    return port


def test_port_0_picks_a_free_one_each_time(bound: socket.socket) -> None:
    with bind("127.0.0.1", 0) as other:
        assert 0 != port_of(bound) != port_of(other)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])
def test_a_taken_port_is_refused_with_what_to_do(bound: socket.socket, host: str) -> None:
    port = port_of(bound)
    with pytest.raises(PortInUseException) as caught:
        bind(host, port)
    assert str(caught.value) == (
        f"port {port} on {host} is taken by another process; stop it, choose another port, or port 0 for any free one"
    )


def test_a_port_is_free_again_as_soon_as_it_is_closed() -> None:
    with bind("127.0.0.1", 0) as first:
        port = port_of(first)
        with socket.create_connection(("127.0.0.1", port)):
            pass
    bind("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid", "::ffff"])
def test_an_address_that_is_not_ours_is_refused(host: str) -> None:
    with pytest.raises(LocalServiceException, match=f"cannot listen on {host}:0: ") as caught:
        bind(host, 0)
    assert not isinstance(caught.value, PortInUseException)


def test_an_ipv6_address_can_be_listened_on() -> None:
    with bind("::1", 0) as bound:
        assert bound.family == socket.AF_INET6


# Unix domain sockets


def leave_behind(path: Path) -> None:
    """A socket file as a killed process leaves it."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


@pytest.mark.parametrize("mode", [0o600, 0o660])
def test_the_file_of_a_unix_socket_has_its_mode_and_can_be_connected_to(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.sock"
    bound, file = bind_unix(path, mode)
    with bound, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == mode
        file.remove()
        assert list(tmp_path.iterdir()) == []


def test_a_file_that_a_process_has_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    leave_behind(path)
    bound, _ = bind_unix(path, 0o600)
    with bound, socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))


def test_a_unix_socket_with_a_server_is_refused_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    bound, _ = bind_unix(path, 0o600)
    with bound:
        with pytest.raises(PortInUseException) as caught:
            bind_unix(path, 0o600)
        assert str(caught.value) == (
            f"another process listens on the Unix socket '{path}'; stop it, or choose another path"
        )
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))


def test_a_server_that_has_no_room_for_connections_is_a_server(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))
        with pytest.raises(PortInUseException):
            bind_unix(path, 0o600)


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_no_socket_is_refused_and_stays(tmp_path: Path, kind: str) -> None:
    path, target = tmp_path / "a", tmp_path / "b"
    leave_behind(target)
    make: dict[str, Any] = {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to(target)}
    make[kind]()
    with pytest.raises(LocalServiceException, match="exists and is no Unix socket; remove it, or choose another path"):
        bind_unix(path, 0o600)
    assert path.exists()
    assert target.exists()


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "no" / "a.sock"
    with pytest.raises(LocalServiceException) as caught:
        bind_unix(path, 0o600)
    assert str(caught.value) == f"cannot listen on the Unix socket '{path}': {os.strerror(errno.ENOENT)}"


def test_a_path_that_is_too_long_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 104)
    with pytest.raises(LocalServiceException, match=r"has at most 103 bytes, '.+' has more; choose a shorter one"):
        bind_unix(path, 0o600)


def test_the_file_of_another_server_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    bound, file = bind_unix(path, 0o600)
    with bound:
        path.unlink()
        leave_behind(path)
        file.remove()
    assert path.exists()


def test_a_file_is_removed_once(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    bound, file = bind_unix(path, 0o600)
    with bound:
        file.remove()
    leave_behind(path)  # maybe with the same number
    file.remove()
    assert path.exists()


def test_a_forked_child_removes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.sock"
    bound, file = bind_unix(path, 0o600)
    with bound:
        child = multiprocessing.get_context("fork").Process(target=_remove, args=(file,))
        child.start()
        child.join(20)
        assert child.exitcode == 0
        assert path.exists()


def _remove(file: UnixSocketFile) -> None:
    file.remove()


def test_a_folder_that_another_process_keeps_locked_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr(sockets, "_LONGEST_WAIT", 0.05)
    lock = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(LocalServiceException, match="cannot listen on the Unix socket"):
            bind_unix(tmp_path / "a.sock", 0o600)
    finally:
        os.close(lock)
    assert list(tmp_path.iterdir()) == []
