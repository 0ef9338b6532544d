"""Registrations of several processes under one id; each object stands for a process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service_registry_consul import machine_locks
from service_registry_consul.registering.shared_registrations import SharedRegistrations
from service_registry_consul.settings import ConsulSettings

ID = "10.0.0.1:8000:shop"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine_locks, "_PLACES", (str(tmp_path),))


def process(url: str = "http://127.0.0.1:8500") -> SharedRegistrations:
    return SharedRegistrations(ConsulSettings(url=url))


def test_the_last_one_deregisters() -> None:
    processes = [process() for _ in range(4)]
    assert all(each.join(ID) for each in processes)
    assert [each.is_last(ID) for each in processes] == [False, False, False, True]


def test_a_process_that_has_left_may_join_again() -> None:
    one, other = process(), process()
    assert one.join(ID)
    assert other.join(ID)
    assert not one.is_last(ID)
    assert one.are_kept_by_others()
    assert one.join(ID)
    assert not one.are_kept_by_others()
    assert not other.is_last(ID)
    assert one.is_last(ID)


def test_none_joins_while_the_last_one_deregisters() -> None:
    one, other = process(), process()
    assert one.join(ID)
    assert one.is_last(ID)
    assert not other.join(ID)
    one.end(ID)
    assert other.join(ID)
    assert other.is_last(ID)


def test_after_the_last_one_none_keeps_it() -> None:
    one = process()
    assert one.join(ID)
    assert one.is_last(ID)
    one.end(ID)
    assert not one.are_kept_by_others()


def test_registrations_at_different_agents_are_different() -> None:
    one, other = process(), process("http://127.0.0.1:8600")
    assert one.join(ID)
    assert other.join(ID)
    assert one.is_last(ID)
    assert other.is_last(ID)


def test_the_processes_of_each_registration_are_listed() -> None:
    one = process()
    assert one.join(ID)
    assert one.join("another")
    assert one.processes() == {ID: (os.getpid(),), "another": (os.getpid(),)}
    one.release()
    assert one.processes() == {}


def test_a_released_process_keeps_nothing() -> None:
    one, other = process(), process()
    assert one.join(ID)
    assert other.join(ID)
    one.release()
    assert other.is_last(ID)
