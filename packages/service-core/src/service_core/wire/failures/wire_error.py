"""A failure as it travels: ``{type, code, message, details, correlation_id}``.

The HTTP status of an answer says how far the call came: 200 if the implementation ran to an outcome of either
kind, else the status of the code with which the call was refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from service_core.errors import (
    AuthorizationException,
    ErrorCode,
    InvalidTokenException,
    MissingTokenException,
    TokenException,
    TokenExpiredException,
)

CONTRACT_MISMATCH: Final = "ContractMismatch"
"""The type of a refusal for an unknown method or parameter, or a missing one: the interfaces differ."""

AUTHORIZATION: Final[Mapping[str, type[AuthorizationException]]] = {
    cls.__name__: cls
    for cls in (
        AuthorizationException,
        TokenException,
        InvalidTokenException,
        MissingTokenException,
        TokenExpiredException,
    )
}
"""The errors that refuse a caller, by the names under which they travel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireError:
    """A failure as it travels."""

    type: str = ""
    """The class name of the error, without its module."""
    code: ErrorCode = ErrorCode.INTERNAL
    message: str = ""
    details: Any = None
    """For wrong arguments the list of wrong places; for a declared error ``{"fields": {...}}``, or
    ``{"sent": {...}, "missing": [...]}`` if a field cannot travel."""
    correlation_id: str | None = None
    downstream: bool = False
    """Whether the method failed because a call that it made to another service failed."""

    def to_dict(self) -> dict[str, Any]:
        """The failure as JSON-like data; ``downstream`` is a member only where it is true."""
        data = {
            "type": self.type,
            "code": self.code.value,
            "message": self.message,
            "details": self.details,
            "correlation_id": self.correlation_id,
        }
        return {**data, "downstream": True} if self.downstream else data

    @classmethod
    def from_data(cls, data: Any) -> WireError:
        """Read a failure; unknown values are kept as text, since it is a failure in any case.

        aspyx-service sends a plain string.
        """
        if not isinstance(data, Mapping):
            return cls(
                message=data if isinstance(data, str) else f"a failure of an unknown form: {type(data).__name__}"
            )
        return cls(
            type=_text(data.get("type")),
            code=next((code for code in ErrorCode if code == data.get("code")), ErrorCode.INTERNAL),
            message=_text(data.get("message")),
            details=data.get("details"),
            correlation_id=_text(data.get("correlation_id")) or None,
            downstream=data.get("downstream") is True,
        )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
