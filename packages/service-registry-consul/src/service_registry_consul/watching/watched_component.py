"""What a watch knows about one component, and when it believes that nobody offers it any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

from service_core.registry.base import Snapshot
from service_registry_consul.watching.address_filter import TrustPolicy
from service_registry_consul.watching.snapshot import Reading, read_nodes

__all__ = ["Followed"]

logger: Final = logging.getLogger("service.registry.consul")


class Followed:
    """One component that somebody asked for. Used on the event loop of the watches only.

    An agent that was restarted may have forgotten everything, and says truthfully that it knows no instance.
    So after a doubt, "there is none" is believed only if it is still so after a grace period, in which
    servers register again. Any other answer is believed at once.
    """

    def __init__(
        self, name: str, *, policy: TrustPolicy, grace: float, publish: Callable[[str, Snapshot], None]
    ) -> None:
        self.name = name
        """The component's name."""
        self.stale = True
        """Whether what is published is not confirmed."""
        self._policy = policy
        self._grace = grace
        self._publish = publish
        self._doubtful = False
        self._known = False
        """Whether addresses are published, so that there is something to lose."""
        self._giving_up: asyncio.TimerHandle | None = None
        self._complaints: frozenset[str] = frozenset()

    def answered(self, nodes: Any) -> None:
        """Consul answered. Raises ValueError if it is not a list of instances."""
        reading = read_nodes(self.name, nodes, self._policy)
        self._complain(reading.complaints)
        if reading.registrations == 0 and self._doubtful and self._known:
            if self._giving_up is None:
                loop = asyncio.get_running_loop()
                self._giving_up = loop.call_later(self._grace, self._accept, reading)
            return
        self._accept(reading)

    def doubt(self) -> None:
        """What is published may be outdated, and the next answer may come from a Consul without memory."""
        self.stale = self._doubtful = True
        self._keep()

    def _accept(self, reading: Reading) -> None:
        self._keep()
        self.stale = self._doubtful = False
        self._known = bool(reading.snapshot)
        self._publish(self.name, reading.snapshot)

    def _keep(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _complain(self, complaints: tuple[str, ...]) -> None:
        for complaint in complaints:
            if complaint not in self._complaints:
                logger.warning("%s", complaint, extra={"component": self.name})
        self._complaints = frozenset(complaints)
