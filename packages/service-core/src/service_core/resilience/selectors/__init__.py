"""Which instance gets the next call.

A channel keeps one :class:`Endpoint` per address and hands all of them to its selector for every call. The
endpoints hold the load, the selectors only decide, so a selector can be exchanged while calls are in flight. Those of
``by_metadata`` and ``by_hash`` are imported where they are used.
"""

from service_core.resilience.selectors.by_load import (
    FirstURLSelector,
    LeastLoadedURLSelector,
    RoundRobinURLSelector,
    URLSelector,
)
from service_core.resilience.selectors.endpoint import Endpoint

__all__ = [
    "Endpoint",
    "FirstURLSelector",
    "LeastLoadedURLSelector",
    "RoundRobinURLSelector",
    "URLSelector",
]
