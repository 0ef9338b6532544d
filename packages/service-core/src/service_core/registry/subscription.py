"""Subscriptions: the ordered delivery of snapshots to one listener."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from service_core.addresses import ChannelInstances

logger: Final = logging.getLogger("service.registry")

Snapshot = Mapping[str, ChannelInstances]
"""The instances of one component by channel name, the preferred channel first."""

Listener = Callable[[Snapshot], None]
"""Receives every new snapshot. Called by any thread, one call at a time; must be quick."""


class Subscription:
    """One listener with the snapshots that it has not received yet. Safe to use from several threads.

    A thread that delivers while another one already does leaves the snapshot to that one and does not wait.
    """

    def __init__(self, component: str, listener: Listener) -> None:
        self._component = component
        self._listener = listener
        self._lock = threading.Lock()
        self._waiting: deque[Snapshot] = deque()
        self._delivering = False

    def put(self, snapshot: Snapshot) -> None:
        """Add a snapshot behind those that wait."""
        with self._lock:
            self._waiting.append(snapshot)

    def deliver(self) -> None:
        """Give all waiting snapshots to the listener; an error of the listener is logged."""
        while (snapshot := self._claim()) is not None:
            try:
                self._listener(snapshot)
            except Exception:
                logger.exception("a listener of component %s failed", self._component)
            finally:
                with self._lock:
                    self._delivering = False

    def end(self) -> None:
        """Drop what waits; a call of the listener that has begun goes on."""
        with self._lock:
            self._waiting.clear()

    def after_fork(self) -> None:
        """In a forked child: no other thread delivers here."""
        self._lock, self._delivering = threading.Lock(), False

    def _claim(self) -> Snapshot | None:
        with self._lock:
            if self._delivering or not self._waiting:
                return None
            self._delivering = True
            return self._waiting.popleft()
