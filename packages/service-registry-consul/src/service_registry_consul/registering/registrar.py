"""The thread that keeps the registrations of this process as they should be.

What is wanted is kept here and compared with what the agent knows, once per interval and whenever something
changes. So it does not matter why a registration is missing: the agent was not there yet, has forgotten
everything, was told to forget, or reaped it.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Final

from service_registry_consul.agent import Agent
from service_registry_consul.connectivity import Contact
from service_registry_consul.errors import ConsulError, ConsulRefusal
from service_registry_consul.registering.initial_status import HealthSource, State, ask, probe
from service_registry_consul.registering.registration import Registration
from service_registry_consul.settings import ConsulSettings
from service_registry_consul.watching.backoff import backoff, jitter

__all__ = ["Registrar"]

logger: Final = logging.getLogger("service.registry.consul")

_SOURCE: Final = "registration"


class Registrar:
    """Registers components and keeps them registered. The public methods may be called by any thread."""

    def __init__(self, settings: ConsulSettings, contact: Contact) -> None:
        self.health_source: HealthSource | None = None
        """Who tells the health for heartbeats; without one a component is healthy as long as it is registered."""
        self._settings = settings
        self._contact = contact
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._agent: Agent | None = None
        self._wanted: dict[str, Registration] = {}
        self._leaving: dict[str, Registration] = {}
        self._confirmed: set[str] = set()
        self._urgent = False
        self._failures = 0
        self._close_at: float | None = None

    def register(self, registration: Registration) -> None:
        """Want a component to be registered; one of that name from before is replaced. Does not wait."""
        with self._changed:
            if self._close_at is not None:
                return
            before = self._wanted.get(registration.component)
            if before is not None:
                self._leaving[before.id] = before
            self._leaving.pop(registration.id, None)
            self._wanted[registration.component] = registration
            self._confirmed.discard(registration.id)
            self._hurry()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="consul-register", daemon=True)
                self._thread.start()

    def deregister(self, component: str) -> None:
        """No longer want a component to be registered, and wait until the agent knows.

        If the agent does not answer, this returns, and it is tried again until :meth:`close` has tried it
        last.
        """
        with self._changed:
            registration = self._wanted.pop(component, None)
            if registration is None:
                return
            self._leaving[registration.id] = registration
            self._hurry()
            # An agent that is known not to answer is not waited for: it would add up, component by component.
            self._changed.wait_for(
                lambda: registration.id not in self._leaving or self._failures > 0,
                self._settings.close_timeout,
            )

    @property
    def registered(self) -> tuple[str, ...]:
        """The components that the agent was last seen to know."""
        with self._changed:
            return tuple(name for name, wanted in self._wanted.items() if wanted.id in self._confirmed)

    def close(self) -> None:
        """Deregister everything and end the thread, within the time set for it; safe to call twice."""
        with self._changed:
            if self._close_at is None:
                self._close_at = time.monotonic() + self._settings.close_timeout
                self._leaving |= {wanted.id: wanted for wanted in self._wanted.values()}
                self._wanted.clear()
                self._hurry()
            thread, close_at = self._thread, self._close_at
        if thread is None or thread is threading.current_thread():
            return
        thread.join(max(0.0, close_at - time.monotonic()))
        if thread.is_alive():
            logger.warning("the agent hangs, so this process may stay registered; its check will turn critical")

    def _hurry(self) -> None:
        self._urgent = True
        self._changed.notify_all()

    # in the registering thread

    def _run(self) -> None:
        try:
            pause = 0.0
            while not self._wait(pause):
                pause = self._work()
            self._work()
        finally:
            if self._agent is not None:
                self._agent.close()

    def _wait(self, pause: float) -> bool:
        """Wait for the next turn; whether it is the last one."""
        with self._changed:
            self._changed.wait_for(lambda: self._urgent, pause)
            self._urgent = False
            return self._close_at is not None

    def _work(self) -> float:
        """Do what is to be done; seconds until it is to be looked at again."""
        with self._changed:
            leaving, wanted = list(self._leaving.values()), list(self._wanted.values())
        longest = self._settings.reconcile_interval
        if any(registration.needs_heartbeat for registration in wanted):
            longest = min(longest, self._settings.ttl / 3)
        try:
            if leaving or wanted:
                self._reconcile(leaving, wanted)
                self._contact.answered(_SOURCE)
        except ConsulError as error:
            return self._failed(str(error), longest)
        except Exception as error:
            logger.exception("registering with Consul failed")
            return self._failed(f"registering with Consul failed: {error!r}", longest)
        with self._changed:
            self._failures = 0
        return longest * jitter(0.75, 0.95)

    def _failed(self, error: str, longest: float) -> float:
        self._contact.failed(_SOURCE, error)
        with self._changed:
            self._failures += 1
            self._changed.notify_all()
            return backoff(self._failures, longest)

    def _reconcile(self, leaving: list[Registration], wanted: list[Registration]) -> None:
        """Make the agent know what it should. A refusal does not keep the others from their turn."""
        agent = self._reachable_agent()
        known = agent.services()
        refusals: list[ConsulRefusal] = []
        for registration in leaving:
            try:
                self._leave(agent, registration, registration.id in known)
            except ConsulRefusal as error:
                refusals.append(error)
        for registration in wanted:
            try:
                self._keep(agent, registration, known.get(registration.id))
            except ConsulRefusal as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]

    def _leave(self, agent: Agent, registration: Registration, known: bool) -> None:
        if known:
            agent.deregister(registration.id)
            logger.info("deregistered '%s'", registration.id)
        with self._changed:
            self._leaving.pop(registration.id, None)
            self._confirmed.discard(registration.id)
            self._changed.notify_all()

    def _keep(self, agent: Agent, registration: Registration, found: object) -> None:
        if registration.id not in self._confirmed or not registration.is_same_as(found):
            state = self._state(registration)
            agent.register(registration, state)
            logger.info("registered '%s' as %s", registration.id, state)
        elif registration.needs_heartbeat:
            with self._changed:  # if the agent does not know the check, this fails, and it is registered next time
                self._confirmed.discard(registration.id)
            agent.heartbeat(registration, self._state(registration))
        with self._changed:
            if self._wanted.get(registration.component) is registration:
                self._confirmed.add(registration.id)

    def _state(self, registration: Registration) -> State:
        timeout = self._settings.check_timeout
        if not registration.needs_heartbeat:
            return probe(registration.check, timeout)
        if self.health_source is None:
            return "passing"
        return ask(self.health_source, registration.component, timeout)

    def _reachable_agent(self) -> Agent:
        if self._agent is None:
            self._agent = Agent(self._settings)
        if self._close_at is not None:
            remaining = self._close_at - time.monotonic()
            self._agent.limit(min(self._settings.request_timeout, max(0.1, remaining)))
        return self._agent
