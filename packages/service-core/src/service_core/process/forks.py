"""What a forked child process must replace: locks that other threads held, and threads that do not exist there."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import socket

S = TypeVar("S", bound="socket.socket")

_methods: Final[list[weakref.WeakMethod[Callable[[], Any]]]] = []
_sockets: Final[weakref.WeakSet[socket.socket]] = weakref.WeakSet()


def call_in_child(method: Callable[[], Any]) -> None:
    """Call a bound method in every forked child process, as long as its object exists.

    It is called in the order of registration, in the only thread of the child, before the code after the fork. The
    object is not kept alive. Nothing happens on systems that do not fork.
    """
    _methods[:] = [known for known in _methods if known() is not None]
    _methods.append(weakref.WeakMethod(method))


def detach(descriptors: Iterable[int]) -> None:
    """Replace inherited file descriptors by ``/dev/null``, so that the child does not keep their connections open.

    The numbers stay valid, so that an object which closes its descriptor later does not close another file.
    """
    null = os.open(os.devnull, os.O_RDWR)
    try:
        for descriptor in descriptors:
            if descriptor >= 0:
                os.dup2(null, descriptor, inheritable=False)
    finally:
        os.close(null)


def keep_from_children(opened: S) -> S:
    """Detach a socket in every forked child process, and return it; it is not kept alive.

    Otherwise its connection would stay open, for the other side, until all children have ended.
    """
    _sockets.add(opened)
    return opened


def _call_all() -> None:
    detach([opened.fileno() for opened in _sockets])
    for reference in _methods:
        method = reference()
        if method is not None:
            method()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_call_all)
