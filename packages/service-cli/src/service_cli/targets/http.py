"""The HTTP requests of the command line itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from service_channels_http import HTTPSettings
from service_cli.failures import CommandFailure, ExitCode
from service_core.addresses import unix_path

GET_TIMEOUT: Final = 5.0
"""Seconds for a request that only reads, by default."""


def get(url: str, *, headers: Mapping[str, str] | None = None, timeout: float = GET_TIMEOUT) -> httpx.Response:
    """The answer to a GET request. Raises CommandFailure if no answer comes, or the URL is none."""
    if "://" not in url:
        host = url.partition("/")[0]
        raise CommandFailure(f"{host!r} has no scheme", remedy=f"write http://{host}", code=ExitCode.USAGE)
    # Certificates take longer to load than such a request takes, and http has none.
    verify: Any = HTTPSettings().tls.context() if url.startswith("https:") else False
    try:
        uds = unix_path(url)
        if uds is None:
            return httpx.get(url, headers=headers, timeout=timeout, verify=verify)
        with httpx.Client(transport=httpx.HTTPTransport(uds=uds), timeout=timeout) as client:
            return client.get(_below_socket(url), headers=headers)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError) as error:
        raise CommandFailure(
            f"{url!r} is not a URL: {error}", remedy="write one such as http://127.0.0.1:8000", code=ExitCode.USAGE
        ) from None
    except httpx.TimeoutException:
        raise CommandFailure(f"{url} did not answer within {timeout:g} s", code=ExitCode.UNREACHABLE) from None
    except httpx.HTTPError as error:
        raise CommandFailure(
            f"{url} cannot be reached: {error or type(error).__name__}",
            remedy="check host and port, and that the server runs",
            code=ExitCode.UNREACHABLE,
        ) from None


def _below_socket(url: str) -> str:
    """The address that a server on a Unix socket is called by."""
    _, slash, path = url.partition("://")[2].partition("/")
    return f"http://localhost{slash}{path}"


def problem_text(response: httpx.Response) -> str:
    """The message of a refusal, shortened."""
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        detail = ""
    return str(detail)[:500] or f"HTTP {response.status_code}"
