"""What happens to servers, agent and client during a soak."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Self

from service_core import ServiceException
from tests.chaos.ledger import Ledger
from tests.chaos.soak_fleet import Group, Instance, Single
from tests.support.consul import ConsulAgent

__all__ = ["Faults"]

_SHORT = ("freeze", "a worker replaced", "fork of the client")
"""Faults that take no instance away for long."""
FROZEN = 1.0
"""Seconds for which a server is stopped."""


class Faults:
    """Faults that begin one after the other and overlap.

    An instance is taken away only while another one is up and known to the callers.
    """

    def __init__(
        self,
        servers: list[Single],
        group: Group,
        consul: ConsulAgent,
        ledger: Ledger,
        known: Callable[[], Collection[int]],
    ) -> None:
        """``known`` are the ports of the instances that the callers know."""
        self._servers, self._group = servers, group
        self._consul, self._ledger, self._known = consul, ledger, known
        self._kinds: dict[str, Callable[[], bool]] = {
            "kill": lambda: self._restart_one(signal.SIGKILL),
            "freeze": self._freeze,
            "SIGTERM to one": lambda: self._restart_one(signal.SIGTERM),
            "SIGTERM to a group": lambda: self._restart(self._group, signal.SIGTERM),
            "a worker replaced": self._replace_worker,
            "agent restarted": self._restart_agent,
            "fork of the client": self._fork,
        }
        self._due: list[str] = []
        self._away: set[Instance] = set()
        self._is_agent_away = False
        self._threads: list[threading.Thread] = []
        self.begun: list[tuple[float, str]] = []
        """Faults so far: when they began, and their kind."""
        self.failed_children = 0
        """Forked clients whose call failed."""
        self.errors: list[Exception] = []
        """What went wrong in the tests' own part."""

    def begin_next(self) -> None:
        """Begin the first of the faults that are due and possible now, else a short one; a fork always is possible."""
        if not self._due:
            self._due = self._shuffled()
        name = next(kind for kind in [*self._due, *random.sample(_SHORT, len(_SHORT))] if self._kinds[kind]())
        if name in self._due:
            self._due.remove(name)
        self.begun.append((time.monotonic(), name))

    def _shuffled(self) -> list[str]:
        return random.sample(list(self._kinds), len(self._kinds))

    def finish(self) -> None:
        """Wait until all is up again."""
        while self._threads:
            self._threads.pop().join()

    def __enter__(self) -> Self:
        for instance in self._instances:
            self._meanwhile(instance.start)
        self.finish()
        return self

    def __exit__(self, *exc: object) -> None:
        self.finish()
        for server in self._servers:
            server.process.__exit__(*exc)
        self._group.end(signal.SIGKILL)

    @property
    def _instances(self) -> list[Instance]:
        return [*self._servers, self._group]

    def _may_go(self, instance: Instance) -> bool:
        """Whether it is up, and another one that the callers know is, too."""
        known = self._known()
        up = [each for each in self._instances if each not in self._away]
        return instance in up and any(each.port in known for each in up if each is not instance)

    def _restart_one(self, number: signal.Signals) -> bool:
        servers = random.sample(self._servers, len(self._servers))
        return any(self._restart(server, number) for server in servers)

    def _restart(self, instance: Instance, number: signal.Signals) -> bool:
        def restart() -> None:
            instance.end(number)
            instance.start()

        return self._take_away(instance, restart)

    def _freeze(self) -> bool:
        def freeze(server: Single) -> None:
            server.process.pause()
            time.sleep(FROZEN)
            server.process.resume()

        servers = random.sample(self._servers, len(self._servers))
        return any(self._take_away(server, partial(freeze, server)) for server in servers)

    def _take_away(self, instance: Instance, act: Callable[[], object]) -> bool:
        if not self._may_go(instance):
            return False

        def take_away() -> None:
            act()
            self._away.discard(instance)

        self._away.add(instance)
        self._meanwhile(take_away)
        return True

    def _replace_worker(self) -> bool:
        """End one worker in order; its supervisor starts another one."""
        workers = [] if self._group in self._away else self._group.workers()
        for worker in workers[:1]:
            os.kill(worker, signal.SIGTERM)
        return bool(workers)

    def _restart_agent(self) -> bool:
        """It loses all that it knew."""
        if self._is_agent_away:
            return False

        def restart() -> None:
            self._consul.kill()
            self._consul.start()
            self._is_agent_away = False

        self._is_agent_away = True
        self._meanwhile(restart)
        return True

    def _fork(self) -> bool:
        """Call in a forked child, as a worker of a pool does, while other threads call in the parent."""
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            with contextlib.suppress(ServiceException):
                self._ledger.read(f"child-{os.getpid()}")
                os._exit(0)
            os._exit(1)
        self._meanwhile(lambda: self._wait_for(child))
        return True

    def _wait_for(self, child: int) -> None:
        _, status = os.waitpid(child, 0)
        self.failed_children += status != 0

    def _meanwhile(self, act: Callable[[], object]) -> None:
        def run() -> None:
            try:
                act()
            except Exception as error:  # noqa: BLE001 - raised at the end
                self.errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)
