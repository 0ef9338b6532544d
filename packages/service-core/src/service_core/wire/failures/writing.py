"""From an exception of an implementation to the failure that its caller receives."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final, cast

from service_core.errors import ErrorCode, ResultException
from service_core.wire.failures.causes import code_for_caller, failed_call_of
from service_core.wire.failures.declared_errors import DeclaredError, WrittenError, code_of
from service_core.wire.failures.wire_error import AUTHORIZATION, WireError

logger: Final = logging.getLogger("service.wire")


def error_to_wire(
    error: BaseException,
    *,
    declared: Mapping[str, DeclaredError],
    correlation_id: str | None = None,
    expose: bool = False,
    deadline_passed: bool = False,
) -> WireError:
    """The failure that an exception of the implementation is for the caller.

    A declared error is sent with its fields. Of any other one only its class name and code are sent, and its message if
    ``expose`` is set or it is a ResultException, which names places of the interface only. A subclass of a declared
    error is sent as that, without its own message, and one of an error that refuses a caller as that. A field that
    cannot travel is left out, named and logged. An error of a call that the implementation made is ``internal``, since
    it is not the caller's; ``deadline_exceeded`` remains if ``deadline_passed``, the deadline of the outer call.
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
        name = next((cls.__name__ for cls in type(error).__mro__ if cls.__name__ in AUTHORIZATION), name)
    return WireError(
        type="" if name in AUTHORIZATION and code is ErrorCode.INTERNAL else name,
        code=code,
        message=_message(error) if expose or isinstance(error, ResultException) else "",
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
