"""What a forked child process replaces before it goes on."""

from __future__ import annotations

import gc
import os
import signal
import socket
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest

from service_core.process import forks
from service_core.process.forks import call_in_child, detach, keep_from_children

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")


class Part:
    """Counts the children that it has seen."""

    def __init__(self) -> None:
        self.children = 0
        call_in_child(self.note)

    def note(self) -> None:
        self.children += 1


def in_a_child(look: Callable[[], str]) -> str:
    """What a forked child sees, as text."""
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on, for forking with threads
        child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            os.write(writer, look().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        seen = stream.read()
    os.waitpid(child, 0)
    return seen


def test_methods_are_called_in_the_child_and_not_in_the_parent() -> None:
    part = Part()
    assert in_a_child(lambda: str(part.children)) == "1"
    assert part.children == 0


def test_a_grandchild_is_a_child_again() -> None:
    part = Part()
    assert in_a_child(lambda: in_a_child(lambda: str(part.children))) == "2"


def test_methods_are_called_in_the_order_of_their_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[int] = []
    parts: list[Part] = []
    monkeypatch.setattr(Part, "note", lambda self: called.append(parts.index(self)))
    parts += [Part() for _ in range(3)]
    assert in_a_child(lambda: str(called)) == "[0, 1, 2]"


def test_an_object_is_not_kept_alive() -> None:
    part = Part()
    reference = weakref.ref(part)
    del part
    gc.collect()
    assert reference() is None
    kept = Part()  # forgets those that have gone
    assert all(method() is not None for method in forks._methods)
    assert in_a_child(lambda: str(kept.children)) == "1"


def test_a_detached_descriptor_stays_valid_and_leads_nowhere() -> None:
    one, other = socket.socketpair()
    with one, other:
        detach([one.fileno(), -1])
        assert Path(f"/proc/self/fd/{one.fileno()}").readlink() == Path(os.devnull)
        assert not os.get_inheritable(one.fileno())
        assert other.recv(1) == b""


def test_a_socket_that_is_kept_from_children_ends_with_the_parent() -> None:
    one, other = socket.socketpair()
    with other:
        assert keep_from_children(one) is one
        seen = in_a_child(lambda: os.readlink(f"/proc/self/fd/{one.fileno()}"))  # noqa: PTH115 - a file of the kernel
        assert seen == os.devnull
        one.close()
        assert other.recv(1) == b""


def test_a_socket_that_was_closed_does_not_matter() -> None:
    one, other = socket.socketpair()
    keep_from_children(one).close()
    with other:
        assert in_a_child(lambda: "goes on") == "goes on"
