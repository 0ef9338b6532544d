"""Selectors that look at what instances have registered: their zone, and their weight."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from collections.abc import Sequence

from service_core.resilience.selectors.by_load import LeastLoadedURLSelector, URLSelector
from service_core.resilience.selectors.endpoint import Endpoint


class ZoneURLSelector(URLSelector):
    """Instances of one zone as long as there are any, else all: ``metadata["zone"]``.

    Instances that are ejected, or that a call has tried, are no longer among them.
    """

    def __init__(self, zone: str, within: URLSelector | None = None) -> None:
        """``within`` chooses among the instances of the zone; by load if it is None."""
        self._zone = zone
        self._within = within or LeastLoadedURLSelector()

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """An endpoint of the zone if there is one."""
        near = [endpoint for endpoint in endpoints if endpoint.metadata.get("zone") == self._zone]
        return self._within.select(near or endpoints)


class WeightedURLSelector(URLSelector):
    """Calls in proportion to ``metadata["weight"]``, 1 where it is missing or no number; 0 for none.

    An instance with a new version gets a small weight, so that few calls try it (a canary).
    """

    def select(self, endpoints: Sequence[Endpoint]) -> Endpoint:
        """A random endpoint, by weight; any of them if all have the weight 0."""
        sums = list(itertools.accumulate(map(_weight, endpoints)))
        if sums[-1] <= 0.0:
            return random.choice(endpoints)  # noqa: S311 - spreads load, guards nothing
        return endpoints[bisect.bisect_right(sums, random.random() * sums[-1])]  # noqa: S311


def _weight(endpoint: Endpoint) -> float:
    try:
        weight = float(endpoint.metadata.get("weight", 1.0))
    except ValueError:
        return 1.0
    return weight if 0.0 <= weight < math.inf else 1.0
