"""Locks between processes, with real processes and real files."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service_registry_consul import machine_locks
from service_registry_consul.machine_locks import MachineLock, Slots

_HOLD = """
import sys
from service_registry_consul import machine_locks
machine_locks._PLACES = (sys.argv[1],)
lock = machine_locks.MachineLock("one")
print(getattr(lock, sys.argv[2])(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder in which locks are during a test."""
    monkeypatch.setattr(machine_locks, "_PLACES", (str(tmp_path),))
    return tmp_path


@contextmanager
def held(place: Path, how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock "one", as ``share`` or ``take`` does."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, place, how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def in_a_child(happens: Callable[[], bool]) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with threads
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os._exit(0 if happens() else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def test_a_shared_lock_is_held_by_several_and_taken_by_the_last(place: Path) -> None:
    lock = MachineLock("one")
    with held(place, "share") as other:
        assert lock.share()
        assert not lock.take()
        assert lock.holders() == ()  # it is not held any more
        assert lock.share()
        assert set(lock.holders()) == {os.getpid(), other.pid}
    assert lock.take()
    lock.remove()


def test_a_lock_that_is_taken_cannot_be_shared(place: Path) -> None:
    with held(place, "take"):
        assert not MachineLock("one").share()
        assert MachineLock("two").share()


def test_the_kernel_releases_the_lock_of_a_killed_process(place: Path) -> None:
    with held(place, "take") as other:
        other.kill()
        other.wait(20)
        lock = MachineLock("one")
        assert lock.take()
        lock.remove()


def test_a_forked_child_does_not_hold_the_lock_of_its_parent() -> None:
    lock = MachineLock("one")
    assert lock.take()
    assert in_a_child(lambda: lock.holders() == () and not lock.take())
    lock.release()
    assert in_a_child(lock.take)


def test_a_lock_whose_file_was_removed_meanwhile_is_made_anew(place: Path) -> None:
    first, second = MachineLock("one"), MachineLock("one")
    assert first.share()
    assert first.take()
    assert second._open()  # of the file that is about to be removed
    first.remove()
    assert second.take()
    assert MachineLock("one").take() is False
    second.remove()
    assert list((place / f"service-registry-{os.getuid()}").iterdir()) == []


def test_any_name_gives_a_file_of_its_own_in_a_folder_of_the_user(place: Path) -> None:
    names = ["a/b", "a b", "../x", "x" * 500, "10.0.0.1:80:shop http://consul"]
    locks = [MachineLock(name) for name in names]
    assert all(lock.take() for lock in locks)
    [folder] = place.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert len(list(folder.iterdir())) == len(names)
    for lock in locks:
        lock.remove()


def test_a_link_in_place_of_the_folder_is_not_followed(place: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (place / f"service-registry-{os.getuid()}").symlink_to(elsewhere)
    assert MachineLock("one").take()
    assert list(elsewhere.iterdir()) == []


def test_without_a_writable_folder_each_process_counts_as_alone_and_a_warning_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: Path
) -> None:
    monkeypatch.setattr(machine_locks, "_PLACES", (str(place / "missing"), lambda: str(place / "missing")))
    assert MachineLock("one").take()
    assert MachineLock("one").take()
    assert "no folder for locks is writable" in caplog.text
    assert "the folder for temporary files" in caplog.text


def test_the_second_place_is_used_if_the_first_is_not_writable(monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    monkeypatch.setattr(machine_locks, "_PLACES", (str(place / "missing"), lambda: str(place)))
    lock = MachineLock("one")
    assert lock.take()
    assert [folder.name for folder in place.iterdir()] == [f"service-registry-{os.getuid()}"]
    lock.remove()


def test_slots_are_limited_and_free_after_their_release() -> None:
    one, other = Slots("query", 3), Slots("query", 3)
    assert [one.take(), one.take(), other.take(), other.take()] == [True, True, True, False]
    one.release()
    assert [other.take(), other.take(), other.take()] == [True, True, False]
    other.release()
