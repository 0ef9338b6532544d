"""Hedging of a call that a thread makes: the thread makes the first attempt, threads of their own make the others."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextvars import copy_context
from typing import Any, Final, Protocol, TypeAlias

from service_core.errors import ServiceCommunicationException, ServiceException
from service_core.resilience.attempts import Attempts
from service_core.resilience.hedging.hedges import PAUSE, Hedge, Hedges, is_failure

logger: Final = logging.getLogger("service.calls")

_LONGEST: Final = 24 * 3600.0


class Superseded(Exception):
    """The attempt is not awaited any more, since another one was answered or the call has ended.

    The transport closes its connection, which cancels the call on the server.
    """


class AnswerWait(Protocol):
    """With what a transport waits for an answer."""

    def wait(self, poll: Callable[[int], object], file: int, seconds: float) -> object:
        """Wait until ``file``, a socket, can be read; false after ``seconds``. Raises Superseded.

        ``poll`` waits for that socket alone, so many milliseconds. The wait takes notice of nothing else as long as
        one attempt is under way.
        """
        ...


Send: TypeAlias = Callable[[str, AnswerWait], Any]


class Hedging:
    """The attempts of one call that run at once. Used by the thread of the call."""

    __slots__ = ("_attempts", "_hedges", "_others", "_send", "_winner")

    def __init__(self, attempts: Attempts, send: Send) -> None:
        self._attempts = attempts
        self._send = send
        self._hedges = Hedges(attempts)
        self._others: list[_Other] = []
        """The further attempts that are under way."""
        self._winner: _Other | None = None

    def run(self, url: str) -> Any:
        """Send the call to ``url``, and elsewhere when that takes long; the first answer, or the error of the first."""
        failure: ServiceException | None = None
        try:
            return self._send(url, self)
        except Superseded:
            pass
        except ServiceCommunicationException as error:
            failure = error
            if not self._is_answered_elsewhere():
                raise
        finally:
            self._close()
        return self._answer(failure)

    def wait(self, poll: Callable[[int], object], file: int, seconds: float) -> object:
        """See :class:`AnswerWait`."""
        end, attempts = time.monotonic() + seconds, self._attempts
        while True:
            until = min(end, attempts.overdue_at)
            left = until - time.monotonic()
            ready = self._poll(left, file) if self._others else poll(_milliseconds(left))
            now = time.monotonic()
            if ready or now >= end:
                return ready
            if now >= attempts.overdue_at:
                self._begin_another(now)

    def _begin_another(self, now: float) -> None:
        if now - self._attempts.overdue_at > PAUSE:
            self._attempts.overdue_at = now + PAUSE / 10
            return
        hedge = self._hedges.begin()
        if hedge is None:
            return
        other = _Other(hedge, self._send)
        try:
            other.start()
        except RuntimeError:  # the system has no more threads, or Python is ending
            logger.warning("%s: no thread for another attempt could be started", self._attempts.call.descriptor.where)
            other.close()
            self._hedges.abandoned(hedge)
        else:
            self._others.append(other)

    def _poll(self, seconds: float, *files: int) -> bool:
        """Wait for data, or for the end of another attempt. Raises Superseded if one was answered."""
        found = _readable([*files, *(other.link for other in self._others)], seconds)
        for other in [one for one in self._others if one.link in found]:
            self._others.remove(other)
            other.close()
            if is_failure(other.error):
                self._hedges.failed(other.hedge, other.error or Superseded())
            else:
                self._winner = other
                raise Superseded
        return any(file in found for file in files)

    def _is_answered_elsewhere(self) -> bool:
        """Wait for the others after the first attempt has failed: whether one is answered. They end by the deadline."""
        try:
            while self._others:
                self._poll(_LONGEST)
        except Superseded:
            return True
        return False

    def _answer(self, failure: ServiceException | None) -> Any:
        winner = self._winner
        if winner is None:
            raise RuntimeError("an attempt was given up although no other was answered")
        self._hedges.won(winner.hedge, failure)
        if winner.error is not None:
            raise winner.error
        return winner.answer

    def _close(self) -> None:
        for other in self._others:
            other.close()
            self._hedges.abandoned(other.hedge)
        self._others.clear()


class _Other:
    """A further attempt and its thread.

    The two ends of a pair of sockets belong to the thread of the call and to that of the attempt. Each closes its own
    when it has finished, which the other one sees.
    """

    def __init__(self, hedge: Hedge, send: Send) -> None:
        self.hedge = hedge
        self.answer: Any = None
        self.error: BaseException | None = None
        self._send = send
        self.link, self._own = socket.socketpair()

    def start(self) -> None:
        """Begin it. Raises RuntimeError if there is no thread for it."""
        threading.Thread(target=copy_context().run, args=(self._run,), name="service-hedge", daemon=True).start()

    def close(self) -> None:
        """Take no answer of it any more."""
        self.link.close()

    def wait(self, poll: Callable[[int], object], file: int, seconds: float) -> object:
        """See :class:`AnswerWait`; in the thread of the attempt."""
        del poll
        found = _readable([file, self._own], seconds)
        if self._own in found:
            raise Superseded
        return bool(found)

    def _run(self) -> None:
        try:
            self.answer = self._send(self.hedge.endpoint.url, self)
        except BaseException as error:  # noqa: BLE001 - it is raised by the thread of the call, or given up
            self.error = error
        finally:
            self._own.close()


def _readable(files: Iterable[int | socket.socket], seconds: float) -> list[Any]:
    """Wait until one of the files can be read: those that can, none after ``seconds``."""
    with selectors.DefaultSelector() as selector:
        for file in files:
            selector.register(file, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(max(0.0, min(seconds, _LONGEST)))]


def _milliseconds(seconds: float) -> int:
    """Rounded up, else the last millisecond would be spent in a busy loop."""
    return int(max(0.0, min(seconds, _LONGEST)) * 1000.0) + 1
