"""Origins: which addresses the engine takes, and what is known about them."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass
from typing import Final

from service_channels_http.transport.proxies import proxy_for
from service_channels_http.transport.tls.context import ClientTLS
from service_core import LocalServiceException
from service_core.addresses import unix_path

_ORIGIN: Final = re.compile(
    r"""(?P<scheme>https?)://
        (?P<authority>
            (?: \[ (?P<ip6>[0-9A-Fa-f:.]+) \] | (?P<host>[A-Za-z0-9._-]+) )
            (?: : (?P<port>\d{1,5}) )?
        )""",
    re.VERBOSE,
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@?%-]+")
"""Targets that need no escapes (RFC 3986, section 3.3)."""
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where requests go whose address begins alike."""

    host: str
    port: int
    authority: str
    """The value of the ``host`` header."""
    tls: ssl.SSLContext | None
    """How to encrypt, None for plain HTTP."""
    uds: str = ""
    """The path of a Unix domain socket, which takes the place of host and port, or empty."""

    @classmethod
    def parse(cls, text: str, tls: ClientTLS) -> Origin | None:
        """Read ``scheme://host:port`` or ``http+unix://path``; None if it is one for httpx, which also knows what is
        wrong with it.

        That is: another scheme, user information, a host that is not ASCII, and every request through a proxy. Raises
        LocalServiceException if the path of a Unix domain socket is not readable, if the files of ``tls`` are needed
        and wrong, or if the environment names no usable proxy.
        """
        uds = _unix_path(text)
        if uds is not None:
            return cls(host="localhost", port=0, authority="localhost", tls=None, uds=uds)
        parts = _ORIGIN.fullmatch(text)
        if parts is None:
            return None
        scheme, host = parts["scheme"], parts["ip6"] or parts["host"]
        port = int(parts["port"] or _PORTS[scheme])
        if port > 65535 or proxy_for(scheme, host, port) is not None:
            return None
        authority = parts["authority"].lower()
        if port == _PORTS[scheme]:
            authority = authority.removesuffix(f":{port}")
        return cls(host=host, port=port, authority=authority, tls=tls.context() if scheme == "https" else None)


def _unix_path(text: str) -> str | None:
    try:
        return unix_path(text)
    except ValueError as error:
        raise LocalServiceException(str(error)) from None


def split(url: str) -> tuple[str, str]:
    """An address as origin and target, ``""`` as the target if it holds what only httpx knows how to write."""
    end = url.find("/", url.find("://") + 3)
    if end < 0:
        return url, "/"
    target = url[end:]
    if "/." in target or not _PLAIN.fullmatch(target):  # maybe "/../"
        target = ""
    return url[:end], target
