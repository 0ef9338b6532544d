"""SIGTERM and SIGINT: the server stops in order, then the previous handler handles the signal."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from service_core.process import call_in_child

logger: Final = logging.getLogger("service.server")

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)
_GRACE: Final = 2.0
"""Seconds after the last call in which the ASGI server may begin to end the application by itself."""


class GracefulSignals:
    """Runs ``on_signal`` in a thread of its own at the first signal, then passes the signal to the previous handler.

    In a thread, because the main one may be anywhere, holding any lock. A further SIGTERM changes nothing: service
    managers send one to the whole process group, and the supervisor of workers sends each of them another one. A
    SIGINT after the first signal ends the process at once. A forked child does not inherit any of this: there both
    signals have Python's default effect.
    """

    def __init__(
        self, on_signal: Callable[[], None], *, pass_on: bool, is_idle: Callable[[], bool] | None = None
    ) -> None:
        """``is_idle`` returns whether no call is in flight, if ``on_signal`` does not wait for the calls.

        Then a signal that has no handler of the ASGI server, as in the workers of hypercorn, has its default effect
        after the last call.
        """
        self._on_signal = on_signal
        self._is_idle = is_idle
        self.pass_on = pass_on
        """Whether the previous handler is called at the end."""
        self._previous: dict[int, Any] = {}
        self._first: int | None = None
        self._has_ended = False
        self._is_passed_on = False
        self._restored = threading.Event()

    def install(self) -> None:
        """Install handlers, except for signals that are ignored, as a shell does for background processes.

        Outside the main thread nothing happens: Python allows handlers only there.
        """
        if threading.current_thread() is not threading.main_thread():
            logger.debug("signal handlers need the main thread; call stop() at the end")
            return
        for number in _SIGNALS:
            if signal.getsignal(number) != signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._handle)
        call_in_child(self._reset)

    def restore(self) -> None:
        """Install the previous handlers again, except where another one has replaced ours."""
        self._restored.set()
        if threading.current_thread() is not threading.main_thread():
            return
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._handle:
                signal.signal(number, previous)
        self._previous.clear()

    @property
    def has_come(self) -> bool:
        """Whether there was a signal, so that the handlers are still needed to pass it on."""
        return self._first is not None

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._has_ended and not self._is_passed_on:
            self._is_passed_on = True
            self._hand_on(number, frame)
        elif self._first is None:
            self._first = number
            threading.Thread(target=self._end, args=(number,), name="service-stop", daemon=True).start()
        elif number == signal.SIGINT:
            _end_by_signal(number)

    def _end(self, number: int) -> None:
        try:
            self._on_signal()
        except Exception as error:
            if self.pass_on:  # otherwise wait() raises it
                logger.error("the server did not stop cleanly", exc_info=error)
        finally:
            previous = self._previous.get(number, signal.SIG_DFL)
            if self._is_idle is not None and not callable(previous):
                self._wait_for_calls(self._is_idle)
            self._has_ended = True
            if self.pass_on and not _belongs_to_a_loop(previous):
                self._pass_on(number)

    def _wait_for_calls(self, is_idle: Callable[[], bool]) -> None:
        """Wait for the last call, and for an ASGI server that stops because its supervisor wants it to."""
        while not is_idle() and not self._restored.wait(0.05):
            pass
        self._restored.wait(_GRACE)

    def _pass_on(self, number: int) -> None:
        """Send the signal to the main thread, where Python runs handlers.

        Repeated if necessary: one that arrives just before the main thread starts to wait goes unnoticed.
        """
        for look in itertools.count():
            if self._is_passed_on or self._restored.is_set():
                return
            if look % 40 == 0:
                signal.pthread_kill(threading.main_thread().ident or 0, number)
            time.sleep(0.05)  # an object to wait for has a lock, which a handler must not take

    def _hand_on(self, number: int, frame: FrameType | None) -> None:
        previous = self._previous.get(number, signal.SIG_DFL)
        if callable(previous):
            previous(number, frame)
        else:
            _end_by_signal(number)

    def _reset(self) -> None:
        """In a forked child: Python's default handlers, and no wake-up of the parent's event loop."""
        if not self._previous:
            return
        signal.set_wakeup_fd(-1)
        for number in self._previous:
            default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
            signal.signal(number, default)
        self._previous.clear()


def _belongs_to_a_loop(handler: object) -> bool:
    """Whether a handler is the one of ``loop.add_signal_handler()``; the loop has had the signal already."""
    owner = getattr(handler, "__self__", None)
    return isinstance(owner, asyncio.AbstractEventLoop) or getattr(handler, "__module__", "") == "asyncio.unix_events"


def _end_by_signal(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)  # process 1 of a container ignores signals that have no handler


_held: Final = threading.local()


def _hold() -> None:
    """Keep signals of this thread back while it forks.

    CPython drops a signal that reaches the child before its own handlers are reset; then the child would outlive it.
    """
    _held.mask = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _release() -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, _held.mask)


if hasattr(os, "register_at_fork"):  # not on Windows; registered after the reset of handlers, so it runs after that
    os.register_at_fork(before=_hold, after_in_parent=_release, after_in_child=_release)
