"""The refusal of a call that a server is too busy for."""

from __future__ import annotations


class Overloaded(Exception):
    """The call is not started; another instance may have room."""

    def __init__(self, retry_after: float, reason: str) -> None:
        """``retry_after``: seconds until a call is likely to be admitted. ``reason`` is sent to the caller."""
        super().__init__(reason)
        self.retry_after = retry_after
        self.reason = reason
