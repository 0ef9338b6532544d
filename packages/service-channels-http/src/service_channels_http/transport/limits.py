"""Limits of time and size for an exchange, the same for every transport."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from service_channels_http.transport.messages import HTTPRequest
from service_core import Deadline, ProtocolException


@asynccontextmanager
async def in_time(deadline: Deadline, late: Callable[[], Exception]) -> AsyncIterator[None]:
    """End the block at the deadline. Raises the error that ``late`` returns."""
    limit = asyncio.timeout(None if math.isinf(deadline.expires_at) else deadline.remaining)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise late() from None


def check_head(request: HTTPRequest, headers: Mapping[str, str], max_bytes: int) -> None:
    """Refuse an answer by its headers. Raises ProtocolException."""
    # A small compressed answer could expand without limit, and the request did not accept compression.
    if headers.get("content-encoding", "identity") != "identity":
        raise ProtocolException(
            f"{request.where}: the answer is compressed although the request did not accept that; "
            f"keep the server or proxy from compressing it",
            may_have_run=True,
        )
    announced = headers.get("content-length", "").lstrip("0")[:20]  # int() refuses thousands of digits
    check_size(request, int(announced) if announced.isdecimal() else 0, max_bytes)


def check_size(request: HTTPRequest, size: int, max_bytes: int) -> None:
    """Refuse an answer by its size. Raises ProtocolException."""
    if size > max_bytes:
        raise ProtocolException(
            f"{request.where}: the answer is larger than {max_bytes} bytes; let the method return "
            f"less, or raise the channel's max_response_bytes in customize()",
            may_have_run=True,
        )
