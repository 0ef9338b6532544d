"""Requests that a page of another site can make a browser send without a preflight.

A browser sends a CORS preflight before it sends JSON or another verb than GET, HEAD and POST for a page
of another origin. A POST without a content type, and one with a form or a text, it sends at once. Such a request never
runs a method: forms and texts are refused always, and a POST without a content type if the browser says that the page
is not of this server. Programs send none of the headers that are read here, so nothing changes for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from service_core import ErrorCode
from service_core.rest import media_type_of
from service_server_fastapi.access.rejections import UNREAD, Rejection, named

_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(?P<port>\d{1,5}))?"
)
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_HEADERS: Final = (b"sec-fetch-site", b"origin", b"host")


def check_origin(origin: str) -> str:
    """The origin in lower case, without the default port of its scheme. Raises ValueError if it is not an origin."""
    found = _ORIGIN.fullmatch(origin.strip().lower())
    if found is None:
        raise ValueError(
            f"{origin[:100]!r} is not an origin; write scheme, host and port, such as 'https://shop.example.org' or "
            f"'http://localhost:3000', without a path"
        )
    return found[0].removesuffix(_DEFAULT_PORTS.get(found["scheme"], " "))


class BrowserRules:
    """Decides which unsafe requests are refused. Safe to use from several threads."""

    def __init__(self, allowed_origins: Iterable[str] = ()) -> None:
        """Pages of ``allowed_origins`` may send what pages of the server itself may send."""
        self._allowed = frozenset(map(check_origin, allowed_origins))

    def check(self, verb: str, content_type: str, scope: Scope) -> None:
        """Raise Rejection if a browser may have sent the request for a page of another site without a preflight.

        ``verb`` is not a safe one (GET, HEAD); ``content_type`` is the header's value, empty if there is none.
        """
        media_type = media_type_of(content_type)
        if media_type in _FORMS or media_type.startswith("text/"):
            raise Rejection(
                415,
                f"content type {content_type[:100]!r} is not accepted, since any page can make a browser send it; "
                f"send application/json",
                headers=UNREAD,
            )
        if verb == "POST" and not media_type:
            self._check_site(scope)

    def _check_site(self, scope: Scope) -> None:
        given = {name: value.decode("latin-1").lower() for name, value in scope["headers"] if name in _HEADERS}
        site, origin = given.get(b"sec-fetch-site"), given.get(b"origin")
        if site in ("same-origin", "none") or (site is None and origin is None) or self._is_allowed(origin):
            return
        if site is None and origin is not None and _is_of(origin, given.get(b"host", "")):
            return
        raise Rejection(
            403,
            f"a page of another origin ({(origin or 'unknown')[:100]}) sent this request without a preflight; send it "
            f"with content type application/json, or allow the origin with {named('allowed_origins')}",
            ErrorCode.PERMISSION_DENIED,
            headers=UNREAD,
        )

    def _is_allowed(self, origin: str | None) -> bool:
        found = None if origin is None else _ORIGIN.fullmatch(origin)
        return found is not None and check_origin(found[0]) in self._allowed


def _is_of(origin: str, host: str) -> bool:
    """Whether an origin is that of a host; its scheme is not compared, which a proxy may have changed."""
    found = _ORIGIN.fullmatch(origin)
    if found is None:  # such as "null"
        return False
    default = _DEFAULT_PORTS.get(found["scheme"], " ")
    return origin.partition("://")[2].removesuffix(default) == host.removesuffix(default)
