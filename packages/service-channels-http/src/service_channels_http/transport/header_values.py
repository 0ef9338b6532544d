"""The names and values of headers that can be sent, the same for every transport."""

from __future__ import annotations

import re
from typing import Final

from service_channels_http.transport.messages import HTTPRequest
from service_core import LocalServiceException

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, section 5.6.2
_VALUE: Final = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
"""Latin-1 without control characters, and without blanks at the ends (RFC 9110, section 5.5)."""


def check_header(request: HTTPRequest, name: str, value: str) -> None:
    """Raise LocalServiceException for a header that would not arrive unchanged."""
    if not _TOKEN.fullmatch(name):
        raise LocalServiceException(f"{name!r} is not a name for a header; use letters, digits and '-'")
    if not _VALUE.fullmatch(value):
        # Without the value, which may be a token.
        raise LocalServiceException(
            f"{request.where}: the value of header '{name}' cannot be sent; use characters of Latin-1, no control "
            f"characters and no blanks at its ends"
        )


def encoded_headers(request: HTTPRequest) -> dict[bytes, bytes]:
    """The headers of a request as they are sent. Raises LocalServiceException."""
    headers = request.all_headers()
    for name, value in headers.items():
        check_header(request, name, value)
    return {name.encode(): value.encode("latin-1") for name, value in headers.items()}
