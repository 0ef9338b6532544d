"""Whether the current task is being cancelled."""

from __future__ import annotations

import asyncio


def is_being_cancelled() -> bool:
    """Whether the current task is cancelled itself, rather than something that it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
