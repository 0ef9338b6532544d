"""Registrations that several processes of one machine keep together, as the workers on one port do.

All of them register under the same id. Each holds a shared lock of that id meanwhile; the one that is alone when it
leaves deregisters. The kernel releases the lock of a process that dies.
"""

from __future__ import annotations

import threading

from service_registry_consul.machine_locks import MachineLock
from service_registry_consul.settings import ConsulSettings


class SharedRegistrations:
    """The locks of this process. The methods may be called by any thread."""

    def __init__(self, settings: ConsulSettings) -> None:
        self._where = settings.address
        self._lock = threading.Lock()
        self._locks: dict[str, MachineLock] = {}
        self._left: set[str] = set()

    def join(self, service_id: str) -> bool:
        """Keep a registration from now on; False if another process deregisters it at the moment."""
        with self._lock:
            self._left.discard(service_id)
            if service_id not in self._locks:
                self._locks[service_id] = self._lock_of(service_id)
            return self._locks[service_id].share()

    def is_last(self, service_id: str) -> bool:
        """Remove a registration; True if no other process keeps it, so that it must be deregistered.

        Until :meth:`end` no other process can join.
        """
        with self._lock:
            self._left.add(service_id)
            if service_id not in self._locks:
                self._locks[service_id] = self._lock_of(service_id)
            if self._locks[service_id].take():
                return True
            del self._locks[service_id]
            return False

    def end(self, service_id: str) -> None:
        """Record that the registration is deregistered."""
        with self._lock:
            lock = self._locks.pop(service_id, None)
            if lock is not None:
                lock.remove()

    def are_kept_by_others(self) -> bool:
        """Whether another process keeps one of the registrations that this one has removed."""
        with self._lock:
            return any(self._is_kept(service_id) for service_id in self._left - self._locks.keys())

    def processes(self) -> dict[str, tuple[int, ...]]:
        """The processes that keep each registration, by its id; none where the system does not list locks."""
        with self._lock:
            return {service_id: lock.holders() for service_id, lock in self._locks.items()}

    def release(self) -> None:
        """Release all locks."""
        with self._lock:
            for lock in self._locks.values():
                lock.release()
            self._locks.clear()

    def _is_kept(self, service_id: str) -> bool:
        probe = self._lock_of(service_id)
        if not probe.take():
            return True
        probe.remove()
        return False

    def _lock_of(self, service_id: str) -> MachineLock:
        return MachineLock(f"{service_id} {self._where}")
