"""Failures of plain HTTP requests: problem details (RFC 9457), and the error formats of other servers.

Ours carry what a failure carries on every channel as extension members, so it arrives as the same exception. Of other
servers' answers the status counts, and the message that they have in a place where many put it.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from service_core.errors import ErrorCode, code_for_status
from service_core.rest.route_codec import is_json, media_type_of
from service_core.wire import WireError

PROBLEM_TYPE: Final = "application/problem+json"

_MESSAGES: Final = ("detail", "title", "message", "error")
_LOCATION: Final = frozenset({"loc", "msg", "type"})


class Problem(BaseModel):
    """Why a request failed."""

    model_config = ConfigDict(defer_build=True)

    type: str = "about:blank"
    title: str = Field(description="What the status means.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(default="", description="The message of the failure, if it is exposed.")
    code: ErrorCode = Field(description="The kind of failure.")
    error: str = Field(default="", description="The class of the error.")
    details: Any = Field(default=None, description="What belongs to the failure: for wrong arguments the wrong places.")
    correlation_id: str | None = Field(default=None, description="Under this id the server logged the failure.")
    executed: bool = Field(default=False, description="Whether the request was carried out, and failed then.")
    downstream: bool = Field(default=False, description="Whether a call that the method made failed.")

    @classmethod
    def of(cls, error: WireError, *, status: int | None = None, executed: bool = False) -> Problem:
        """The problem that a failure is; ``executed`` if the implementation has run."""
        status = status or error.code.http_status
        return cls(
            title=HTTPStatus(status).phrase,
            status=status,
            detail=error.message,
            code=error.code,
            error=error.type,
            details=error.details,
            correlation_id=error.correlation_id,
            executed=executed,
            downstream=error.downstream,
        )

    def to_json(self) -> bytes:
        """The problem as it travels."""
        return self.model_dump_json().encode()

    def to_error(self) -> WireError:
        """The failure again."""
        return WireError(
            type=self.error,
            code=self.code,
            message=self.detail,
            details=self.details,
            correlation_id=self.correlation_id,
            downstream=self.downstream,
        )


def read_problem(content_type: str, content: bytes) -> Problem | None:
    """The problem that an answer holds in our form, None if it holds none."""
    try:
        return Problem.model_validate(_data(content_type, content))
    except ValidationError:
        return None


def read_message(status: int, content_type: str, content: bytes) -> WireError | None:
    """The message in an answer of other software about a failure, None if it has none in a known place."""
    data = _data(content_type, content)
    if not isinstance(data, Mapping):
        return None
    code = code_for_status(status)
    found = next((data[name] for name in _MESSAGES if data.get(name)), None)
    if isinstance(found, str):
        return WireError(code=code, message=found)
    if isinstance(found, list) and all(isinstance(one, Mapping) and one.keys() >= _LOCATION for one in found):
        # FastAPI's list of wrong places; what it quotes of the input is dropped.
        locations = [{name: one[name] for name in sorted(_LOCATION)} for one in found]
        return WireError(code=code, message=str(locations[0]["msg"]), details=locations)
    return None


def _data(content_type: str, content: bytes) -> Any:
    if not is_json(media_type_of(content_type)):
        return None
    try:
        return from_json(content)
    except ValueError:
        return None
