"""An answer that does not fit the caller's interface: the error that says so, with the place and the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.signatures.text import signature_text
from service_core.errors import ArgumentException, ContractMismatchException, ErrorCode
from service_core.wire.methods.arguments import CHANGES_PAGE

_NAMES: Final = frozenset({"enum", "literal_error", "union_tag_invalid"})
"""Errors of pydantic about a value that is one of a few names, so no secret."""
_LONGEST: Final = 60
"""Characters that are shown of a value."""
NOTHING: Final = object()
"""Stands for a result that is not known as plain data."""


def misfit(error: ArgumentException, method: MethodDescriptor, result: Any, *, where: str) -> ContractMismatchException:
    """The error for a result that was read as plain data and that ``error`` says is of another type."""
    wrong: Mapping[str, Any] = error.details[0] if error.details else {"loc": (), "msg": error.message, "type": ""}
    position = ".".join(str(part) for part in ("result", *wrong["loc"]))
    came = _shown(_at(result, wrong["loc"]), wrong["type"])
    return ContractMismatchException(
        f"{where}: the interfaces of caller and server differ: the method has run and its answer does not fit: "
        f"{position}: {wrong['msg']}{came}; the caller has '{signature_text(method)}'; see {CHANGES_PAGE}",
        may_have_run=True,
        code=ErrorCode.INTERNAL,
        details=error.details,
    )


def unexpected_form(method: MethodDescriptor, *, where: str) -> ContractMismatchException:
    """The error for an answer that is a stream where the caller's interface has one result, or the other way round."""
    came = "a stream" if method.stream is None else "one result"
    return ContractMismatchException(
        f"{where}: the interfaces of caller and server differ: the server answers with {came}, and the caller has "
        f"'{signature_text(method)}'; see {CHANGES_PAGE}",
        may_have_run=True,
        code=ErrorCode.INTERNAL,
    )


def _at(data: Any, position: Sequence[Any]) -> Any:
    """The part of a value at a place; parts of the place that name a type rather than a member are left out."""
    for part in position:
        if isinstance(data, dict):
            data = data.get(part, data)
        elif isinstance(data, list) and isinstance(part, int):
            data = data[part] if part < len(data) else NOTHING
    return data


def _shown(value: Any, kind: str) -> str:
    """What came, shortened: names, numbers and truth values as they are; of what may be secret only the type."""
    if value is NOTHING or kind == "missing" or not kind:
        return ""
    if value is None or isinstance(value, bool | int | float) or (kind in _NAMES and isinstance(value, str)):
        text = repr(value)
        return f"; it is {text if len(text) <= _LONGEST else text[:_LONGEST] + '...'}"
    return f"; it is a {type(value).__name__}"
