"""Reconciles the registrations of this process with the agent.

The wanted registrations are kept here and compared with those of the agent, once per interval, on each change, and
when the agent ends or loses a registration. So the reason for which a registration is missing does not matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from typing import Final

from service_core.registry import HealthSource
from service_registry_consul.background import Background
from service_registry_consul.connection.backoff import backoff, jitter
from service_registry_consul.connection.connectivity import Connectivity
from service_registry_consul.connection.errors import ConsulError, ConsulRefusal
from service_registry_consul.registering.agent import Agent
from service_registry_consul.registering.initial_status import State, log_registered, state_of
from service_registry_consul.registering.registration import Registration
from service_registry_consul.registering.shared_registrations import SharedRegistrations
from service_registry_consul.settings import ConsulSettings

logger: Final = logging.getLogger("service.registry.consul")

_SOURCE: Final = "registration"
_LONGEST_BACKOFF: Final = 1.0
"""Seconds between two attempts to reach an agent; it is the one of this machine."""


class Registrar:
    """Registers components and keeps them registered. The public methods may be called by any thread."""

    def __init__(self, settings: ConsulSettings, connectivity: Connectivity, background: Background) -> None:
        self.health_source: HealthSource | None = None
        """Reports the health for heartbeats; without it a component is healthy as long as it is registered."""
        self.shared: Final = SharedRegistrations(settings)
        """Which registrations other processes keep, too."""
        self._settings = settings
        self._connectivity = connectivity
        self._background = background
        self._agent = Agent(settings)
        self._changed = threading.Condition()
        self._is_running = False
        self._wake = asyncio.Event()
        self._wanted: dict[str, Registration] = {}
        self._leaving: dict[str, Registration] = {}
        self._confirmed: set[str] = set()
        self._failures = 0
        self._close_at: float | None = None

    def register(self, registration: Registration) -> None:
        """Register a component; one of that name from before is replaced. Does not wait."""
        with self._changed:
            if self._close_at is not None:
                return
            before = self._wanted.get(registration.component)
            if before is not None:
                self._leaving[before.id] = before
            self._leaving.pop(registration.id, None)
            self._wanted[registration.component] = registration
            self._confirmed.discard(registration.id)
            self._wake_up()

    def deregister(self, component: str) -> None:
        """Deregister a component, and wait until the agent has done it.

        If the agent does not answer, this returns, and it is retried until :meth:`close` has tried it last.
        """
        with self._changed:
            registration = self._wanted.pop(component, None)
            if registration is None:
                return
            self._leaving[registration.id] = registration
            self._wake_up()
            if self._background.is_own_thread():
                return
            # No wait for an agent that is known not to answer: the waits would add up, component by component.
            self._changed.wait_for(
                lambda: registration.id not in self._leaving or self._failures > 0,
                self._settings.close_timeout,
            )

    @property
    def registered(self) -> tuple[str, ...]:
        """The components that the agent listed at the last query."""
        with self._changed:
            return tuple(name for name, wanted in self._wanted.items() if wanted.id in self._confirmed)

    def processes_of(self, component: str) -> tuple[int, ...]:
        """The processes of this machine that keep a component registered; empty if that is unknown."""
        with self._changed:
            wanted = self._wanted.get(component)
        return self.shared.processes().get(wanted.id, ()) if wanted is not None else ()

    @property
    def descriptor(self) -> int:
        """The file descriptor of the open connection, -1 if there is none."""
        return self._agent.descriptor

    def close(self) -> None:
        """Deregister everything, within its time limit, and then end. Does not wait; safe to call twice."""
        with self._changed:
            if self._close_at is None:
                self._close_at = time.monotonic() + self._settings.close_timeout
                self._leaving |= {wanted.id: wanted for wanted in self._wanted.values()}
                self._wanted.clear()
                if self._is_running:
                    self._background.call(self._wake.set)

    def _wake_up(self) -> None:
        if not self._is_running:
            self._is_running = True
            self._background.call(lambda: self._background.begin(self._run, finishes=True))
        self._background.call(self._wake.set)

    # on the loop

    async def _run(self) -> None:
        try:
            pause = 0.0
            while not await self._wait(pause):
                pause = await self._work()
            await self._work()
        finally:
            self._agent.close()
            self.shared.release()

    async def _wait(self, pause: float) -> bool:
        """Wait for the next round; whether it is the last one."""
        loss = asyncio.ensure_future(self._wait_for_loss())
        woken = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((loss, woken), timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (loss, woken):
                task.cancel()
            await asyncio.gather(loss, woken, return_exceptions=True)
        self._wake.clear()
        return self._close_at is not None

    async def _wait_for_loss(self) -> None:
        """Return when the agent has lost a registration, or has ended."""
        with self._changed:
            confirmed = [wanted.id for wanted in self._wanted.values() if wanted.id in self._confirmed]
        if not confirmed or self._failures:
            await asyncio.Event().wait()
        await self._agent.wait_for_loss(confirmed[0], self._settings.reconcile_interval)

    async def _work(self) -> float:
        """Reconcile once; seconds until the next round."""
        with self._changed:
            leaving, wanted = list(self._leaving.values()), list(self._wanted.values())
        longest = self._settings.reconcile_interval
        if any(registration.needs_heartbeat for registration in wanted):
            longest = min(longest, self._settings.ttl / 3)
        try:
            if leaving or wanted:
                await self._reconcile(leaving, wanted)
                self._connectivity.answered(_SOURCE)
        except ConsulError as error:
            return self._failed(str(error), longest)
        except Exception as error:
            logger.exception("registering with Consul failed")
            return self._failed(f"registering with Consul failed: {error!r}", longest)
        with self._changed:
            self._failures = 0
        return longest * jitter(0.75, 0.95)

    def _failed(self, error: str, longest: float) -> float:
        self._connectivity.failed(_SOURCE, error)
        with self._changed:
            self._failures += 1
            self._changed.notify_all()
            return backoff(self._failures, min(longest, _LONGEST_BACKOFF))

    async def _reconcile(self, leaving: list[Registration], wanted: list[Registration]) -> None:
        """Make the agent's registrations those that are wanted. The refusal of one does not prevent the others."""
        self._limit_requests()
        leaving = [registration for registration in leaving if not self._left_to_others(registration)]
        if not leaving and not wanted:
            return
        known = await self._agent.services()
        refusals: list[ConsulRefusal] = []
        for registration in leaving:
            with _collecting(refusals):
                await self._leave(registration, registration.id in known)
        for registration in wanted:
            with _collecting(refusals):
                await self._keep(registration, known.get(registration.id))
        if refusals:
            raise refusals[0]

    def _left_to_others(self, registration: Registration) -> bool:
        """Whether other processes keep a registration that this one removes."""
        if self.shared.is_last(registration.id):
            return False
        logger.info("other processes keep '%s' registered", registration.id)
        self._has_left(registration)
        return True

    async def _leave(self, registration: Registration, known: bool) -> None:
        if known:
            await self._agent.deregister(registration.id)
            logger.info("deregistered '%s'", registration.id)
        self.shared.end(registration.id)
        self._has_left(registration)

    def _has_left(self, registration: Registration) -> None:
        with self._changed:
            self._leaving.pop(registration.id, None)
            self._confirmed.discard(registration.id)
            self._changed.notify_all()

    async def _keep(self, registration: Registration, found: object) -> None:
        if not self.shared.join(registration.id):
            raise ConsulRefusal(f"another process is about to deregister '{registration.id}'", 409)
        if registration.id not in self._confirmed or not registration.is_same_as(found):
            state = await self._state(registration)
            await self._agent.register(registration, state)
            log_registered(registration, state)
        elif registration.needs_heartbeat:
            with self._changed:  # if the agent does not know the check, this fails, and it is registered next time
                self._confirmed.discard(registration.id)
            await self._agent.heartbeat(registration, await self._state(registration))
        with self._changed:
            if self._wanted.get(registration.component) is registration:
                self._confirmed.add(registration.id)

    async def _state(self, registration: Registration) -> State:
        return await state_of(registration, self.health_source, self._settings.check_timeout)

    def _limit_requests(self) -> None:
        if self._close_at is not None:
            remaining = self._close_at - time.monotonic()
            self._agent.limit = min(self._settings.request_timeout, max(0.1, remaining))


@contextlib.contextmanager
def _collecting(refusals: list[ConsulRefusal]) -> Iterator[None]:
    try:
        yield
    except ConsulRefusal as error:
        refusals.append(error)
