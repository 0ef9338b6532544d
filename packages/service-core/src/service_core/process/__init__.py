"""The process: cancellation, forks, the timers of its event loops, environment variables and the settings in them."""

from typing import TYPE_CHECKING, Any

from service_core.process.cancellation import is_being_cancelled
from service_core.process.forks import call_in_child, detach, keep_from_children
from service_core.process.timers import Timer, start_timer
from service_core.process.variables import warn_about_unknown

if TYPE_CHECKING:  # imported when it is used, since pydantic takes longer than all of this
    from service_core.process.settings import EnvironmentSettings

__all__ = [
    "EnvironmentSettings",
    "Timer",
    "call_in_child",
    "detach",
    "is_being_cancelled",
    "keep_from_children",
    "start_timer",
    "warn_about_unknown",
]


def __getattr__(name: str) -> Any:
    if name != "EnvironmentSettings":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from service_core.process.settings import EnvironmentSettings

    return EnvironmentSettings
