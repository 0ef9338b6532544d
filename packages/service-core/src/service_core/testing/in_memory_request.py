"""A call on its way to a server in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from service_core.context import Deadline
from service_core.errors import DeadlineExceeded, LocalServiceException, ServiceCommunicationException
from service_core.resilience.attempts import Raised
from service_core.testing.in_memory_server import Reply
from service_core.wire import Codec, MethodCodec, WireError, error_from_wire, with_deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRequest:
    """A call whose arguments are encoded; used by one thread or task."""

    method_codec: MethodCodec
    codec: Codec
    deadline: Deadline
    fixed: dict[str, str]
    """The headers that all attempts share."""
    body: bytes
    where: str
    input: Any = None
    """The argument that is a stream, None if there is none."""

    def headers(self) -> dict[str, str]:
        """The headers of an attempt that is sent now."""
        return with_deadline(self.fixed, self.deadline)

    def waiting(self, delay: float) -> float:
        """Seconds until the request arrives, or until the deadline if that is sooner."""
        remaining = self.deadline.remaining
        if math.isinf(delay) and math.isinf(remaining):
            raise LocalServiceException(
                f"{self.where}: the request is dropped and the call has no deadline, so it would never end; "
                f"set one with deadline(...)"
            )
        return min(delay, remaining)

    def check_time(self) -> None:
        """Raise DeadlineExceeded if the deadline has passed."""
        if self.deadline.expired:
            raise self.late()

    def late(self) -> DeadlineExceeded:
        """The error of a call whose deadline passes after it was sent."""
        return DeadlineExceeded(f"{self.where}: no answer before the deadline of the call", may_have_run=True)

    def complete(self, reply: Reply) -> Any:
        """The result, or the error that the method raised. Raises the error of a server that refused the call."""
        answer = reply.codec.read_answer(self.method_codec, reply.body, self)
        if not isinstance(answer, WireError):
            return answer
        error = error_from_wire(
            answer,
            where=self.where,
            declared=self.method_codec.errors,
            refused=reply.refused,
            method=self.method_codec.method,
        )
        if reply.refused and isinstance(error, ServiceCommunicationException):
            raise error
        return Raised(error)
