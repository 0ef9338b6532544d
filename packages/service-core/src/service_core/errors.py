"""The errors of a call, as one tree.

::

    ServiceException
    ├── LocalServiceException             the error is in this process; nothing was sent
    │   ├── DeclarationException          a service, component or implementation is declared wrongly
    │   ├── DependencyException           the container cannot create the requested object
    │   ├── ArgumentException             a value does not fit the declared type
    │   │   └── ResultException           the result of an implementation does not
    │   ├── ChannelNotInstalledException  no installed package offers the channel
    │   └── PortInUseException            the server's port is in use
    ├── ServiceCommunicationException     the other side could not be reached, or its answer was lost
    │   ├── ComponentUnavailableException no instance of the component is registered
    │   ├── ContractMismatchException     caller and server have different versions of the interface
    │   └── ProtocolException             the answer is not one of this protocol
    ├── DeadlineExceeded                  the deadline of the call has passed
    ├── RemoteServiceException            the other side answered with an error
    └── AuthorizationException            the other side refused the caller
        └── TokenException
            ├── InvalidTokenException
            ├── MissingTokenException
            └── TokenExpiredException

Errors that an interface declares with ``@raises`` are the user's own classes and do not belong to the tree.

Every error has a :class:`ErrorCode`.
"""

from __future__ import annotations

from typing import Any, ClassVar

from service_core.error_codes import ErrorCode, code_for_status

__all__ = [
    "ArgumentException",
    "AuthorizationException",
    "ChannelNotInstalledException",
    "ComponentUnavailableException",
    "ContractMismatchException",
    "DeadlineExceeded",
    "DeclarationException",
    "DependencyException",
    "ErrorCode",
    "InvalidTokenException",
    "LocalServiceException",
    "MissingTokenException",
    "PortInUseException",
    "ProtocolException",
    "RemoteServiceException",
    "ResultException",
    "ServiceCommunicationException",
    "ServiceException",
    "TokenException",
    "TokenExpiredException",
    "code_for_status",
]


class ServiceException(Exception):
    """The root of the tree."""

    default_code: ClassVar[ErrorCode] = ErrorCode.INTERNAL

    # Defaults of the class as well, for subclasses with a constructor of their own.
    may_have_run: bool = False
    """Whether the method may have been executed, by any attempt of the call; False if it certainly was not."""
    downstream: bool = False
    """Whether the server reports that its method failed because a call of its own to another server failed."""
    failed_call: str | None = None
    """The call made by this process that ended with this error; None for an error that no call of a proxy raised."""

    def __init__(
        self,
        message: str = "",
        *,
        code: ErrorCode | None = None,
        details: Any = None,
        correlation_id: str | None = None,
        may_have_run: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        """The kind of failure."""
        self.details = details
        """JSON-like data about the failure: for wrong arguments the list of wrong places."""
        self.correlation_id = correlation_id
        """The id under which the server logged the failure; None if no server was involved."""
        self.may_have_run = may_have_run


class LocalServiceException(ServiceException):
    """The error is in this process; nothing was sent."""

    default_code = ErrorCode.FAILED_PRECONDITION


class DeclarationException(LocalServiceException):
    """A service, component or implementation is declared wrongly; the message names the place and the remedy."""


class DependencyException(LocalServiceException):
    """The container cannot create an object: a dependency is missing, ambiguous or circular."""


class ArgumentException(LocalServiceException):
    """A value does not fit the declared type. ``details`` lists the wrong places as ``{loc, msg, type}``."""

    default_code = ErrorCode.INVALID_ARGUMENT


class ResultException(ArgumentException):
    """The result of an implementation, or an item of a stream that it yields, does not fit the declared type.

    Its caller receives a RemoteServiceException with this message, which quotes no value.
    """


class ChannelNotInstalledException(LocalServiceException):
    """No installed package offers the channel; the message names the package to install."""

    default_code = ErrorCode.UNIMPLEMENTED


class PortInUseException(LocalServiceException):
    """The server's port is in use by another socket."""


class ServiceCommunicationException(ServiceException):
    """The other side could not be reached, its answer was lost, or it refused the call for now."""

    default_code = ErrorCode.UNAVAILABLE

    def __init__(
        self,
        message: str = "",
        *,
        may_have_run: bool = False,
        retry_after: float | None = None,
        code: ErrorCode | None = None,
        details: Any = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message, code=code, details=details, correlation_id=correlation_id, may_have_run=may_have_run)
        self.retry_after = retry_after
        """Seconds after which the server accepts a retry, if it sent that."""


class ComponentUnavailableException(ServiceCommunicationException):
    """No instance of the component is registered at the moment; nothing was sent.

    The same proxy works again as soon as an instance is registered.
    """

    def __init__(
        self,
        message: str = "",
        *,
        component: str = "",
        may_have_run: bool = False,
        retry_after: float | None = None,
        code: ErrorCode | None = None,
        details: Any = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(
            message,
            may_have_run=may_have_run,
            retry_after=retry_after,
            code=code,
            details=details,
            correlation_id=correlation_id,
        )
        self.component = component
        """The name of the component; empty if unknown."""


class ContractMismatchException(ServiceCommunicationException):
    """Caller and server have different versions of the interface.

    The server has no such method or parameter, or requires one that was not sent: it has refused the call and
    ``may_have_run`` is false. Or its answer does not fit the caller's interface: then ``may_have_run`` is true. The
    message names the parameter or the path, and the signatures.
    """

    default_code = ErrorCode.INVALID_ARGUMENT


class ProtocolException(ServiceCommunicationException):
    """The answer is not one of this protocol: a proxy's error page, truncated data, a value of a wrong type."""

    default_code = ErrorCode.INTERNAL


class DeadlineExceeded(ServiceException):
    """The deadline of the call has passed. ``may_have_run`` is False if nothing had been sent by then."""

    default_code = ErrorCode.DEADLINE_EXCEEDED


class RemoteServiceException(ServiceException):
    """The other side answered with an error that the interface does not declare.

    ``type`` is the class name of the error there, ``code`` its kind. The message is the remote one only if
    the server exposes messages.
    """

    def __init__(
        self,
        message: str = "",
        *,
        type: str = "",  # noqa: A002 - the name on the wire
        code: ErrorCode | None = None,
        details: Any = None,
        correlation_id: str | None = None,
        may_have_run: bool = True,
    ) -> None:
        super().__init__(message, code=code, details=details, correlation_id=correlation_id, may_have_run=may_have_run)
        self.type = type
        """The class name of the error on the server, without its module."""


class AuthorizationException(ServiceException):
    """The other side refuses the caller, with or without a known principal."""

    default_code = ErrorCode.PERMISSION_DENIED


class TokenException(AuthorizationException):
    """The caller's token is not accepted."""

    default_code = ErrorCode.UNAUTHENTICATED


class InvalidTokenException(TokenException):
    """The token is invalid."""


class MissingTokenException(TokenException):
    """The call requires a token and had none."""


class TokenExpiredException(TokenException):
    """The token has expired."""
