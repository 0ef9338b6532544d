"""From the failure in an answer to the exception that the caller of a method gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

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
from service_core.wire.failures.declared_errors import DeclaredError
from service_core.wire.failures.wire_error import AUTHORIZATION, CONTRACT_MISMATCH, WireError

_REASONS: Final[Mapping[str, str]] = {
    MissingTokenException.__name__: (
        "a token is needed; write connect(..., token=...), or give the channel a token_provider"
    ),
    TokenExpiredException.__name__: "the token has expired",
    InvalidTokenException.__name__: "the token is not accepted",
}


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
    if wire.type in AUTHORIZATION:
        return AUTHORIZATION[wire.type](
            wire.message or f"{where}: {_REASONS.get(wire.type, 'not allowed')}",
            code=wire.code,
            details=wire.details,
            correlation_id=wire.correlation_id,
        )
    if refused or wire.type == DeadlineExceeded.__name__:
        return _refusal(wire, where, retry_after)
    return _remote(wire, where)


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
        return _remote(wire, where, outcome="was refused by the server", is_logged=False)
    return kind(message, details=wire.details, correlation_id=wire.correlation_id)


def _remote(
    wire: WireError, where: str, *, outcome: str = "failed on the server", is_logged: bool = True
) -> RemoteServiceException:
    """``is_logged`` means that servers log such a failure: not a refused call, nor an error that is declared."""
    reason = wire.message or wire.type or wire.code.value
    if is_logged and wire.message and wire.type:
        reason = f"{wire.type}: {wire.message}"
    known_as = "logged there under" if is_logged else "correlation id"
    hint = f" ({known_as} {wire.correlation_id})" if wire.correlation_id else ""
    return RemoteServiceException(
        f"{where} {outcome}: {reason}{hint}",
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
    return kind(f"{where}: {_REASONS[kind.__name__]}")
