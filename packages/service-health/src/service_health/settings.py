"""How a check is run: the values that ``@health_check`` and ``add_check`` take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from service_core import DeclarationException

Group = Literal["liveness", "readiness"]
"""The question that a check answers: is the process alive (else restart it), can it serve calls (else skip it)."""

GROUPS: Final[tuple[str, ...]] = get_args(Group)

DEFAULT_CHECK_TIMEOUT: Final = 5.0
"""Seconds after which a check is abandoned, by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSettings:
    """How one check is run and under which name it reports. Times are in seconds."""

    name: str
    cache: float = 0
    """Seconds for which a result is returned again instead of running the check; 0 for no cache."""
    fail_if_slower_than: float = 0
    """Seconds after which the check counts as failed although it ended; 0 for no such limit."""
    timeout: float = DEFAULT_CHECK_TIMEOUT
    """Seconds after which callers abandon the check."""
    group: Group = "readiness"

    @property
    def cut_after(self) -> float:
        """The seconds that callers wait for the check: the timeout, but not less than ``fail_if_slower_than``."""
        return max(self.timeout, self.fail_if_slower_than)


def checked(settings: CheckSettings, where: str) -> CheckSettings:
    """The settings, if they are valid. Raises DeclarationException, which names ``where`` and the remedy."""
    if not isinstance(settings.name, str):
        raise DeclarationException(f"{where}: the name of a check is a string, not {settings.name!r}")
    if settings.name in GROUPS:
        raise DeclarationException(
            f"{where}: '{settings.name}' is the name of a group; give the check another with name=..."
        )
    if settings.group not in GROUPS:
        raise DeclarationException(
            f"{where}: a check belongs to the group 'liveness' or 'readiness', not to {settings.group!r}"
        )
    _check_seconds(settings.cache, f"{where}: cache", "use 0 for no cache")
    _check_seconds(settings.fail_if_slower_than, f"{where}: fail_if_slower_than", "use 0 for no limit")
    _check_seconds(settings.timeout, f"{where}: timeout", "a check without a timeout could hang for ever")
    if settings.timeout == 0:
        raise DeclarationException(f"{where}: timeout=0 leaves the check no time; leave it out for 5 s")
    return settings


def _check_seconds(value: Any, what: str, remedy: str) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value < 0:
        raise DeclarationException(f"{what}={value!r} is not a number of seconds from 0 on; {remedy}")
