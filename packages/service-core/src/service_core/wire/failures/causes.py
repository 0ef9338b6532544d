"""Which errors of an implementation are those of calls that it made, and which code its caller gets."""

from __future__ import annotations

from typing import Final

from service_core.errors import DeadlineExceeded, ErrorCode, LocalServiceException, ServiceException


def code_for_caller(error: BaseException, *, deadline_passed: bool) -> ErrorCode:
    """The code of an error that is not declared: a mistake inside the implementation is not the caller's."""
    if not isinstance(error, ServiceException) or isinstance(error, LocalServiceException):
        return ErrorCode.INTERNAL
    if error.failed_call is None or (deadline_passed and isinstance(error, DeadlineExceeded)):
        return error.code
    return ErrorCode.INTERNAL


def failed_call_of(error: BaseException) -> str | None:
    """The call whose failure is ``error`` or its explicit cause (``raise ... from``); None if there is none.

    A group has one if every error in it has.
    """
    seen: BaseException | None = error
    for _ in range(_LONGEST_CHAIN):
        if seen is None:
            break
        if isinstance(seen, ServiceException) and seen.failed_call is not None:
            return seen.failed_call
        if isinstance(seen, BaseExceptionGroup):
            calls = [failed_call_of(each) for each in seen.exceptions]
            return ", ".join(dict.fromkeys(call for call in calls if call)) if all(calls) else None
        seen = seen.__cause__
    return None


_LONGEST_CHAIN: Final = 20
"""How many causes of an error are followed: a chain may be a circle."""
