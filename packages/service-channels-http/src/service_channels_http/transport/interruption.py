"""Exceptions of other code that runs in the middle of a wait: the handler of a signal, say.

Python runs it inside of calls such as ``socket.recv``, which then raise what it raised. An OSError or TimeoutError of a
handler must not be taken for one of the connection: the call would be sent again, and the caller would not see it.
"""

from __future__ import annotations

import ssl
from typing import Final

_OF_CONNECTIONS: Final = frozenset(
    {"service_channels_http", "asyncio", "uvloop", "socket", "ssl", "selectors", "concurrent", "threading"}
)
"""Packages whose code raises what the system reports about connections."""
_OF_HTTPX: Final = frozenset({*_OF_CONNECTIONS, "httpx", "httpcore", "h11", "h2", "anyio", "socksio", "contextlib"})


def interruption_in(error: BaseException) -> OSError | None:
    """The error itself, or that of httpcore from which it was made, if other code has raised it; else None.

    Errors that were made from those of another transport are left alone: a mock may raise what it likes.
    """
    if isinstance(error, ssl.SSLError):  # nothing else than a connection raises it
        return None
    if isinstance(error, OSError):
        return error if _package_of(error) not in _OF_CONNECTIONS else None
    is_of_httpcore, cause = False, error.__cause__ or error.__context__
    while cause is not None and (not isinstance(cause, OSError) or isinstance(cause, ssl.SSLError)):
        is_of_httpcore = is_of_httpcore or type(cause).__module__.partition(".")[0] == "httpcore"
        cause = cause.__cause__ or cause.__context__
    if cause is None or not is_of_httpcore or _package_of(cause) in _OF_HTTPX:
        return None
    return cause


def _package_of(error: BaseException) -> str:
    """The package whose code has raised it, or has called what did."""
    frame = error.__traceback__
    if frame is None:  # it was not raised yet
        return "service_channels_http"
    while frame.tb_next is not None:
        frame = frame.tb_next
    return str(frame.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
