"""Selectors that hash: the same key always to the same instance, and a part of a large fleet for each client."""

from __future__ import annotations

import bisect
import heapq
import secrets
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

from service_core.arguments import NOT_GIVEN
from service_core.call import Call
from service_core.resilience.selectors.by_load import LeastLoadedURLSelector, URLSelector
from service_core.resilience.selectors.endpoint import Endpoint

_POINTS: Final = 100
"""Points of an instance on the ring: the shares of instances differ by a tenth or so."""


def _hash(text: str) -> int:
    """The same in every process, unlike ``hash``."""
    return int.from_bytes(blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest(), "big")


class _Ring:
    """Consistent hashing: an instance that comes or goes changes the place of its own share of the keys only."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = endpoints
        points = [(_hash(f"{number} {one.url}"), one) for one in endpoints for number in range(_POINTS)]
        points.sort(key=lambda point: point[0])
        self._hashes = [point for point, _ in points]
        self._owners = [owner for _, owner in points]

    def owner(self, key: str, usable: Sequence[Endpoint]) -> Endpoint | None:
        """The first of the usable endpoints from the key on; None if none of them is on the ring."""
        start, count = bisect.bisect(self._hashes, _hash(key)), len(self._owners)
        if usable is self.endpoints:
            return self._owners[start % count]
        allowed = set(usable)
        owners = (self._owners[(start + step) % count] for step in range(count))
        return next((owner for owner in owners if owner in allowed), None)


class HashURLSelector(URLSelector):
    """Calls with the same value of one parameter to the same instance, for caches and sessions in its memory.

    All clients agree, since only the addresses count. While an instance is ejected its keys go to the next ones on the
    ring. A call of a method without that parameter goes to the less loaded of two.
    """

    def __init__(self, parameter: str) -> None:
        """``parameter`` is the name of the parameter in the methods of the component."""
        self._parameter = parameter
        self._by_load = LeastLoadedURLSelector()
        self._ring = _Ring(())

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """An endpoint by load, since there is no call."""
        return self._by_load.select(endpoints)

    def select_for(self, endpoints: Sequence[Endpoint], call: Call | None) -> Endpoint:
        """The endpoint that the key of the call belongs to."""
        key = None if call is None else self._key(call)
        if key is None:
            return self._by_load.select(endpoints)
        ring = self._ring
        found = None
        if ring.endpoints is endpoints or set(endpoints) <= set(ring.endpoints):
            found = ring.owner(key, endpoints)
        if found is None:
            ring = self._ring = _Ring(endpoints)
            found = ring.owner(key, endpoints)
        return found or self._by_load.select(endpoints)

    def _key(self, call: Call) -> str | None:
        method = call.descriptor
        for parameter, value in zip(method.parameters, method.bind(call.args, call.kwargs), strict=False):
            if parameter.name == self._parameter and value is not NOT_GIVEN:
                return str(value)
        return None


class SubsetURLSelector(URLSelector):
    """Some of the instances, others for each client, so that a large fleet has not a connection for each pair.

    An instance that comes or goes changes at most one of them. If all of a client's are ejected or have been tried it
    uses others.
    """

    def __init__(self, size: int, within: URLSelector | None = None, *, client: str = "") -> None:
        """``client`` distinguishes clients; a random one by default. ``within`` chooses; by load if it is None."""
        if size < 1:
            raise ValueError(f"SubsetURLSelector({size}): the size is at least 1")
        self._size = size
        self._within = within or LeastLoadedURLSelector()
        self._client = client or secrets.token_hex(8)
        self._ranks: dict[str, int] = {}
        self._last: tuple[Sequence[Endpoint], Sequence[Endpoint]] = ((), ())
        """All endpoints of the last call, and those of the subset."""

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """An endpoint of the subset."""
        return self._within.select(self._subset(endpoints))

    def select_for(self, endpoints: Sequence[Endpoint], call: Call | None) -> Endpoint:
        """An endpoint of the subset."""
        return self._within.select_for(self._subset(endpoints), call)

    def _subset(self, endpoints: Sequence[Endpoint]) -> Sequence[Endpoint]:
        known, subset = self._last
        if known is not endpoints:
            subset = heapq.nsmallest(self._size, endpoints, key=self._rank)
            self._last = endpoints, subset
        return subset

    def _rank(self, endpoint: Endpoint) -> int:
        rank = self._ranks.get(endpoint.url)
        if rank is None:
            rank = self._ranks[endpoint.url] = _hash(f"{self._client} {endpoint.url}")
        return rank
