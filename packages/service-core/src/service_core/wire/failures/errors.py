"""Failures on the wire: from an exception to ``{type, code, message, details, correlation_id}`` and back.

The HTTP status of an answer says how far the call came: 200 if the implementation ran to an outcome of either
kind, else the status of the code with which the call was refused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.signatures.text import signature_text
from service_core.errors import (
    ArgumentException,
    AuthorizationException,
    ContractMismatchException,
    DeadlineExceeded,
    ErrorCode,
    InvalidTokenException,
    MissingTokenException,
    RemoteServiceException,
    ServiceCommunicationException,
    ServiceException,
    TokenException,
    TokenExpiredException,
)
from service_core.wire.failures.causes import code_for_caller, failed_call_of
from service_core.wire.failures.declared_errors import DeclaredError, WrittenError, code_of

__all__ = ["CONTRACT_MISMATCH", "WireError", "error_from_wire", "error_to_wire", "token_error"]

CONTRACT_MISMATCH: Final = "ContractMismatch"
"""The type of a refusal for an unknown method or parameter, or a missing one: the interfaces differ."""


logger: Final = logging.getLogger("service.wire")


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


def error_to_wire(
    error: BaseException,
    *,
    declared: Mapping[str, DeclaredError],
    correlation_id: str | None = None,
    expose: bool = False,
    deadline_passed: bool = False,
) -> WireError:
    """The failure that an exception of the implementation is for the caller.

    A declared error is sent with its fields. Of any other one only its class name and code are sent, and its
    message if ``expose`` is set. A subclass of a declared error is sent as that, without its own message, and one
    of an error that refuses a caller as that. A field that cannot travel is left out, named and logged. An error of a
    call that the implementation made is ``internal``, since it is not the caller's; ``deadline_exceeded`` remains if
    ``deadline_passed``, the deadline of the outer call.
    """
    downstream = failed_call_of(error) is not None
    for cls in type(error).__mro__:
        known = declared.get(cls.__name__)
        if known is not None and known.describes(cls):
            return WireError(
                type=cls.__name__,
                code=code_of(cast(Exception, error)),
                message=_message(error) if expose or type(error) is cls else "",
                details=_details(known.write(cast(Exception, error)), known),
                correlation_id=correlation_id,
                downstream=downstream,
            )
    code = code_for_caller(error, deadline_passed=deadline_passed)
    name = type(error).__name__
    if code is not ErrorCode.INTERNAL:
        name = next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in _AUTHORIZATION), name)
    return WireError(
        type="" if name in _AUTHORIZATION and code is ErrorCode.INTERNAL else name,
        code=code,
        message=_message(error) if expose else "",
        correlation_id=correlation_id,
        downstream=downstream,
    )


def _message(error: BaseException) -> str:
    """The text of an error; what is no Unicode, as a part of a file name may be, is escaped."""
    return str(error).encode(errors="backslashreplace").decode()


def _details(written: WrittenError, known: DeclaredError) -> dict[str, Any]:
    if not written.missing:
        return {"fields": written.fields}
    logger.warning(
        "%s is raised with fields that cannot travel (%s); its caller gets a RemoteServiceException of that type",
        known.fields.where,
        ", ".join(written.missing),
    )
    return {"sent": written.fields, "missing": list(written.missing)}


def error_from_wire(
    wire: WireError,
    *,
    where: str,
    declared: Mapping[str, DeclaredError],
    refused: bool = False,
    retry_after: float | None = None,
    method: MethodDescriptor | None = None,
) -> Exception:
    """The exception that the caller gets for a failure of the method ``where``.

    ``refused`` means that the call was refused before the implementation ran, and ``method`` is the caller's version of
    the method, which a refusal because of different versions shows.
    """
    if refused and wire.type == CONTRACT_MISMATCH:
        return _mismatch(wire, where, method)
    error = _error(wire, where, declared, refused=refused, retry_after=retry_after)
    if isinstance(error, ServiceException):
        # Not by assignment: a declared error may be a frozen dataclass.
        vars(error).update(may_have_run=not refused, downstream=wire.downstream)
    return error


def _error(
    wire: WireError, where: str, declared: Mapping[str, DeclaredError], *, refused: bool, retry_after: float | None
) -> Exception:
    known = declared.get(wire.type)
    if known is not None and isinstance(wire.details, Mapping) and "fields" in wire.details:
        try:
            return known.read(wire.details["fields"])
        except (ArgumentException, TypeError, ValueError):
            # The other side has another version of the class; the error stays one, only less precise.
            return _remote(wire, where, is_logged=False)
    if wire.type in _AUTHORIZATION:
        return _AUTHORIZATION[wire.type](
            wire.message or f"{where}: {_TOLD.get(wire.type, 'not allowed')}",
            code=wire.code,
            details=wire.details,
            correlation_id=wire.correlation_id,
        )
    if refused or wire.type == DeadlineExceeded.__name__:
        return _refusal(wire, where, retry_after)
    return _remote(wire, where)


_AUTHORIZATION: Final[Mapping[str, type[AuthorizationException]]] = {
    cls.__name__: cls
    for cls in (
        AuthorizationException,
        TokenException,
        InvalidTokenException,
        MissingTokenException,
        TokenExpiredException,
    )
}

_TOLD: Final[Mapping[str, str]] = {
    MissingTokenException.__name__: "a token is needed",
    TokenExpiredException.__name__: "the token has expired",
    InvalidTokenException.__name__: "the token is not accepted",
}


def _mismatch(wire: WireError, where: str, method: MethodDescriptor | None) -> ContractMismatchException:
    own = "" if method is None else f"; the caller has '{signature_text(method)}'"
    return ContractMismatchException(
        f"{where}: {wire.message or wire.code.value}{own}",
        code=wire.code,
        details=wire.details,
        correlation_id=wire.correlation_id,
    )


def _refusal(wire: WireError, where: str, retry_after: float | None) -> ServiceException:
    message = f"{where}: {wire.message or wire.code.value}"
    if wire.code is ErrorCode.UNAVAILABLE:
        return ServiceCommunicationException(
            message, retry_after=retry_after, details=wire.details, correlation_id=wire.correlation_id
        )
    kinds: dict[ErrorCode, type[ServiceException]] = {
        ErrorCode.DEADLINE_EXCEEDED: DeadlineExceeded,
        ErrorCode.UNAUTHENTICATED: TokenException,
        ErrorCode.PERMISSION_DENIED: AuthorizationException,
    }
    kind = kinds.get(wire.code)
    if kind is None:
        return _remote(wire, where, is_logged=False)
    return kind(message, details=wire.details, correlation_id=wire.correlation_id)


def _remote(wire: WireError, where: str, *, is_logged: bool = True) -> RemoteServiceException:
    """``is_logged`` means that servers log such a failure: not a refused call, nor an error that is declared."""
    reason = wire.message or wire.type or wire.code.value
    known_as = "logged there under" if is_logged else "correlation id"
    hint = f" ({known_as} {wire.correlation_id})" if wire.correlation_id else ""
    return RemoteServiceException(
        f"{where} failed on the server: {reason}{hint}",
        type=wire.type,
        code=wire.code,
        details=wire.details,
        correlation_id=wire.correlation_id,
    )


def token_error(www_authenticate: str, where: str) -> AuthorizationException:
    """The exception for a 401 whose body says nothing, by its ``WWW-Authenticate`` header (RFC 6750, section 3)."""
    challenge = www_authenticate.lower()
    kind: type[TokenException] = InvalidTokenException
    if "expired" in challenge:
        kind = TokenExpiredException
    elif "missing" in challenge or "error=" not in challenge:
        kind = MissingTokenException
    return kind(f"{where}: {_TOLD[kind.__name__]}")
