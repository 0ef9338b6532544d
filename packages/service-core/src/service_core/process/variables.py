"""The environment variables from which packages read their settings."""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Collection
from typing import Any, Final

logger: Final = logging.getLogger("service.settings")

_LINK: Final = re.compile(r"(tcp|udp|sctp)://")
_OF_LINK: Final = re.compile(r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)")
_reported: Final[set[str]] = set()


def is_service_link(value: object) -> bool:
    """Whether a value is what Kubernetes and Docker links put into ``<NAME>_PORT``, such as ``tcp://10.0.0.1:80``."""
    return isinstance(value, str) and _LINK.match(value) is not None


def warn_about_unknown(prefix: str, names: Collection[str]) -> None:
    """Log a warning for each environment variable that begins with ``prefix`` and belongs to no setting.

    ``names`` are those of the settings. Each variable is reported once per process; those that a cluster makes for a
    Service of that name are left out.
    """
    known = {f"{prefix}{name}".upper() for name in names}
    for variable, value in os.environ.items():
        if not variable.upper().startswith(prefix) or variable.upper() in known | _reported:
            continue
        if is_service_link(value) or _OF_LINK.fullmatch(variable.upper().removeprefix(prefix)):
            continue
        _reported.add(variable.upper())
        hint = _similar(variable.upper(), known) or f"settings with this prefix: {', '.join(sorted(known))}"
        logger.warning("environment variable %s belongs to no setting; %s", variable, hint)


def refuse_unknown(cls: Any, given: Any) -> Any:
    """The given settings of a pydantic class, for its ``model_validator(mode="before")``.

    Raises ValueError for one that code gives and that is no field. Names in capital letters are those of variables.
    """
    names = cls.model_fields
    for name in given:
        if name not in names and not name.isupper():
            hint = _similar(name, names) or f"the settings are {', '.join(sorted(names))}"
            raise ValueError(f"there is no setting '{name}'; {hint}")
    return given


def _similar(name: str, names: Collection[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else ""
