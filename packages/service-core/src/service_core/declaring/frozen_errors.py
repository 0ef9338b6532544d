"""Errors that are frozen dataclasses: what Python itself writes into an error that is raised stays writable."""

from __future__ import annotations

from typing import Any, Final

_WRITTEN_BY_PYTHON: Final = frozenset(
    {"__traceback__", "__context__", "__cause__", "__suppress_context__", "__notes__"}
)


def allow_raising(cls: type[Exception]) -> None:
    """Let an error of a frozen dataclass pass through context managers.

    ``contextlib`` sets the traceback of an error that leaves a block, which a frozen dataclass refuses: the caller
    would get FrozenInstanceError instead. The fields stay frozen.
    """
    parameters: Any = vars(cls).get("__dataclass_params__")
    if parameters is None or not parameters.frozen or getattr(cls.__setattr__, "_allows_raising", False):
        return
    frozen = cls.__setattr__

    def set_attribute(error: Exception, name: str, value: Any) -> None:
        if name in _WRITTEN_BY_PYTHON:
            BaseException.__setattr__(error, name, value)
        else:
            frozen(error, name, value)

    set_attribute._allows_raising = True  # type: ignore[attr-defined]
    cls.__setattr__ = set_attribute  # type: ignore[method-assign,assignment]
