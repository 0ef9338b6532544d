"""A warning about sync calls on a thread that runs an event loop.

A sync call waits for its answer in its thread. Everything else on the thread's event loop waits too, and if the server
is on the same loop the call cannot end before its deadline.
"""

from __future__ import annotations

import logging
import sys
from typing import Final

from service_core.call import Call

logger: Final = logging.getLogger("service.calls")

_PACKAGES: Final = ("service_core", "service_channels_http")
_reported: Final[set[tuple[str, int]]] = set()
"""Places of calls that have been reported, which are lines of code and therefore few."""


def warn_on_event_loop(call: Call) -> None:
    """Log a warning, once for each place in the code, about a sync call on a thread that runs an event loop."""
    place = _caller()
    if place in _reported:
        return
    _reported.add(place)
    logger.warning(
        "%s:%d calls %s, a 'def' method, on a running event loop, which does nothing else until the call ends; declare "
        "the method with 'async def', or call 'await awaitable(service.%s)(...)'",
        *place,
        call.descriptor.where,
        call.descriptor.name,
        extra={"correlation_id": call.correlation_id},
    )


def _caller() -> tuple[str, int]:
    """File and line of the nearest code outside of the framework."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] in _PACKAGES:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
