"""The known instances of one component, and the rule for an empty answer."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Collection
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from service_core.registry import Snapshot
from service_registry_consul.watching.address_filter import AddressFilter
from service_registry_consul.watching.instance_probe import Probed, probe
from service_registry_consul.watching.snapshot import Reading, read_nodes

logger: Final = logging.getLogger("service.registry.consul")

_PROBE_INTERVAL: Final = 1.0
"""Seconds between two requests to instances that are not listed any more."""
_NONE: Final[Snapshot] = MappingProxyType({})


class WatchedComponent:
    """One component that is watched. Used on the event loop of the registry only.

    Consul answers with an empty list and without any error when an agent has lost its state, when it has left, and when
    a token may no longer read the service. While an agent restarts, the others may report it as failed, and with it the
    instances of its node; then it reports their checks as critical until each has run. So an answer that leaves no
    instance is not applied at once: an instance that it does not report as unhealthy stays in use as long as it answers
    and is not stopping, for at most ``doubt_for`` seconds. While none answers, those are in use whose answer is late: a
    busy server is better than none. Any other answer is applied at once.

    An agent that has lost its state lists the instances one after the other, as they register again. So for
    ``doubt_for`` seconds after a failure, those that are not listed any more count as known, too.
    """

    def __init__(
        self, name: str, *, policy: AddressFilter, doubt_for: float, publish: Callable[[str, Snapshot], None]
    ) -> None:
        self.name = name
        """The component's name."""
        self.stale = True
        """Whether the published snapshot is unconfirmed."""
        self.critical: frozenset[str] = frozenset()
        """Addresses of the instances that are not published since their health is critical."""
        self._policy = policy
        self._doubt_for = doubt_for
        self._publish = publish
        self._known: Snapshot = _NONE
        """The published snapshot."""
        self._kept: Snapshot = _NONE
        """Instances to fall back on: without those that are unhealthy, stopped or stopping."""
        self._kept_until = -math.inf
        """When they are forgotten by an answer with instances, in the time of the loop."""
        self._doubting: asyncio.Task[None] | None = None
        self._logged: frozenset[str] = frozenset()

    def answered(self, nodes: Any) -> None:
        """Apply an answer of Consul. Raises ValueError if it is not a list of instances."""
        reading = read_nodes(self.name, nodes, self._policy)
        self.critical = reading.critical
        self._log_skipped(reading.skipped)
        kept = _merged(self._known, self._kept)
        self._kept = _only(kept, _urls(kept) - reading.unhealthy)
        if self._kept and not reading.snapshot and self._doubt_for > 0:
            self.stale = True
            self._set(_only(self._known, _urls(self._kept)) or self._kept)
            if self._doubting is None:
                self._doubting = asyncio.ensure_future(self._doubt(reading))
            return
        if asyncio.get_running_loop().time() >= self._kept_until:
            self._kept = _NONE
        self._accept(reading)

    def doubt(self) -> None:
        """Mark the published snapshot as unconfirmed: Consul does not answer, or may have lost its state."""
        self.stale = True
        self._kept_until = asyncio.get_running_loop().time() + self._doubt_for
        self._stop_doubting()  # it starts again with the next answer

    def close(self) -> None:
        """Cancel the requests in progress."""
        self._stop_doubting()

    async def _doubt(self, reading: Reading) -> None:
        """Keep the instances that have not stopped, until ``doubt_for`` seconds have passed."""
        loop = asyncio.get_running_loop()
        end, is_first = loop.time() + self._doubt_for, True
        while loop.time() < end:
            probed = await probe(_urls(self._kept))
            self._kept = _only(self._kept, probed.answering | probed.late)
            if not self._kept:
                break
            if is_first:
                self._log_kept(probed)
                is_first = False
            self._set(_only(self._kept, probed.answering or probed.late))
            await asyncio.sleep(_PROBE_INTERVAL)
        self._doubting = None
        self._kept = _NONE
        self._accept(reading)

    def _accept(self, reading: Reading) -> None:
        self._stop_doubting()
        self.stale = False
        self._set(reading.snapshot)

    def _set(self, snapshot: Snapshot) -> None:
        self._known = snapshot
        self._publish(self.name, snapshot)

    def _stop_doubting(self) -> None:
        if self._doubting is not None:
            self._doubting.cancel()
            self._doubting = None

    def _log_kept(self, probed: Probed) -> None:
        logger.warning(
            "Consul reports no healthy instance of component '%s' any more, but %d still answer and %d did not answer "
            "in time: they stay in use for at most %g s; check the agents and the permissions of the token",
            self.name,
            len(probed.answering),
            len(probed.late),
            self._doubt_for,
        )

    def _log_skipped(self, skipped: tuple[str, ...]) -> None:
        for reason in skipped:
            if reason not in self._logged:
                logger.warning("%s", reason, extra={"component": self.name})
        self._logged = frozenset(skipped)


def _urls(snapshot: Snapshot) -> set[str]:
    """All addresses in a snapshot."""
    return {url for found in snapshot.values() for url in found.urls}


def _only(snapshot: Snapshot, urls: Collection[str]) -> Snapshot:
    """The snapshot without all addresses but these."""
    kept = {
        channel: replace(found, urls=tuple(url for url in found.urls if url in urls))
        for channel, found in snapshot.items()
    }
    return MappingProxyType({channel: found for channel, found in kept.items() if found.urls})


def _merged(first: Snapshot, then: Snapshot) -> Snapshot:
    """The addresses of both snapshots."""
    both = {
        channel: replace(
            found,
            urls=tuple(dict.fromkeys(first[channel].urls + found.urls)),
            metadata={**found.metadata, **first[channel].metadata},
        )
        for channel, found in then.items()
        if channel in first
    }
    return MappingProxyType({**then, **first, **both})
