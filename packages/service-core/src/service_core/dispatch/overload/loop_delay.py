"""Calls that waited for the event loop: which are refused because it has more to do than it can."""

from __future__ import annotations

from typing import Final

from service_core.dispatch.overload.overloaded import Overloaded

NOTICED: Final = 0.001
"""Seconds of waiting up to which there is nothing to check: no caller gives a call so little time."""
_SHARE: Final = 0.5
"""The share of a call's time that it may wait for the event loop: it may have waited as long to be read before."""


class LoopDelay:
    """Refuses a call that has waited for the event loop for more than half of the time that its caller gives.

    A loop that has more to do than it can reads all requests that have arrived, then begins their calls one after the
    other, and reads again when that is done. In order of arrival each call would begin when its caller is about to give
    up. To refuse the later ones takes little time, so that the loop reads again soon, and leaves their callers half of
    their time for another instance. Used on event loops.
    """

    __slots__ = ("refused",)

    def __init__(self) -> None:
        self.refused = 0
        """Calls that were refused."""

    def check(self, now: float, received_at: float, expires_at: float) -> None:
        """Raise Overloaded for a call that begins too long after it was received."""
        waited = now - received_at
        if received_at and waited > _SHARE * (expires_at - received_at):
            self.refused += 1
            raise Overloaded(waited, "the server is overloaded: the call waited for half of its time to be begun")
