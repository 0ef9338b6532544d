"""The process: cancellation, forks, the timers of its event loops, environment variables."""

from service_core.process.cancellation import is_being_cancelled
from service_core.process.forks import call_in_child, detach, keep_from_children
from service_core.process.timers import Timer, start_timer
from service_core.process.variables import is_service_link, refuse_unknown, warn_about_unknown

__all__ = [
    "Timer",
    "call_in_child",
    "detach",
    "is_being_cancelled",
    "is_service_link",
    "keep_from_children",
    "refuse_unknown",
    "start_timer",
    "warn_about_unknown",
]
