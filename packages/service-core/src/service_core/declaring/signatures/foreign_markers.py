"""Markers of FastAPI on the parameters of an interface, which would have no effect."""

from __future__ import annotations

import inspect
from typing import Any, Final

from service_core.errors import DeclarationException

_RESOLVED: Final = frozenset({"Depends", "Security"})


def refuse_foreign_marker(parameter: inspect.Parameter, hint: Any, where: str) -> None:
    """Raise DeclarationException if FastAPI, not the caller, would give the argument, or its place in the request.

    ``hint`` is the type hint of the parameter. FastAPI is not imported for this.
    """
    for marker in (parameter.default, *getattr(hint, "__metadata__", ())):
        kind = type(marker)
        if kind.__module__ != "fastapi.params":
            continue
        remedy = (
            "callers give all arguments, so remove the parameter and let the implementation take the object in its "
            "constructor"
            if kind.__name__ in _RESOLVED
            else "use QueryParam(), PathParam(), Header() or Body() of service_core.rest, and pydantic.Field(...) for "
            "limits"
        )
        raise DeclarationException(
            f"{where}: parameter '{parameter.name}': {kind.__name__}(...) of FastAPI has no effect in an interface; "
            f"{remedy}"
        )
