"""Trusted authorities and the client certificate of a channel, for its engine and its clients alike."""

from __future__ import annotations

import functools
import os
import ssl
from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from service_core import LocalServiceException
from service_core.tls import Identity, load_authority, load_identity, secured

_PREFIX: Final = "SERVICE_HTTP_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientTLS:
    """The TLS settings of a client for ``https`` addresses. Files are read once per process, on first use."""

    ca_file: str | os.PathLike[str] | None = None
    """PEM file with the authorities that may have signed a server's certificate, instead of all others. None for those
    that httpx trusts: of ``SSL_CERT_FILE`` or ``SSL_CERT_DIR``, else the public ones."""
    cert_file: str | os.PathLike[str] | None = None
    """PEM file with the certificate that is sent to servers that require one; None for none."""
    key_file: str | os.PathLike[str] | None = None
    """PEM file with the certificate's private key; None if ``cert_file`` holds it."""
    key_password: SecretStr | None = None
    """The password of the key; None if it is not encrypted."""

    def context(self) -> ssl.SSLContext:
        """The context, the same for the same files. Raises LocalServiceException, which names the wrong setting."""
        return _context(self)


@functools.cache  # it takes tens of milliseconds
def _context(tls: ClientTLS) -> ssl.SSLContext:
    if tls.ca_file is None:
        import httpx  # here, since a program without TLS does not need it

        context = secured(httpx.create_ssl_context())
    else:
        context = secured(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))  # it checks certificates and names
        load_authority(context, tls.ca_file, "ca_file", _PREFIX)
    if tls.cert_file is not None:
        identity = Identity(cert_file=tls.cert_file, key_file=tls.key_file, key_password=tls.key_password)
        load_identity(context, identity, _PREFIX)
    elif tls.key_file is not None or tls.key_password is not None:
        raise LocalServiceException(
            f"setting 'cert_file' ({_PREFIX}CERT_FILE) is missing: there is a key, or a password, but no certificate"
        )
    return context
