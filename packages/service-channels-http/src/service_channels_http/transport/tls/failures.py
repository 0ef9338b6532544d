"""Failures of the TLS handshake, with the remedy for each."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Final

_GIVE_CERTIFICATE: Final = "the server requires a certificate; set 'cert_file' (SERVICE_HTTP_CERT_FILE)"
_GIVE_ANOTHER: Final = (
    "the server does not accept the certificate in setting 'cert_file' (SERVICE_HTTP_CERT_FILE); use one that has not "
    "expired, from an authority that the server trusts"
)
_NO_TLS: Final = "the server does not use TLS there; use http:// in its address, or configure its certificate"

_BY_ALERT: Final[Mapping[str, str]] = {
    "CERTIFICATE_REQUIRED": _GIVE_CERTIFICATE,
    "HANDSHAKE_FAILURE": _GIVE_CERTIFICATE,  # what TLS 1.2 has for it
    "UNKNOWN_CA": _GIVE_ANOTHER,
    "BAD_CERTIFICATE": _GIVE_ANOTHER,
    "UNSUPPORTED_CERTIFICATE": _GIVE_ANOTHER,
    "CERTIFICATE_REVOKED": _GIVE_ANOTHER,
    "CERTIFICATE_EXPIRED": _GIVE_ANOTHER,
    "CERTIFICATE_UNKNOWN": _GIVE_ANOTHER,
    "ACCESS_DENIED": _GIVE_ANOTHER,
}
"""By the end of the reason: ``TLSV13_ALERT_CERTIFICATE_REQUIRED`` (RFC 8446, section 6.2)."""
_BY_REASON: Final[Mapping[str | None, str]] = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "PACKET_LENGTH_TOO_LONG": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
}
# OpenSSL's X509_V_ERR_..., x509_vfy.h
_BY_VERIFICATION: Final[Mapping[int, str]] = {
    9: "the server's certificate is not valid yet; check the clocks of both machines",
    10: "the server's certificate has expired; renew it",
    62: "announce the server under a name that is in its certificate, or issue a certificate for this name",
    64: "announce the server under an address that is in its certificate, or issue a certificate for this address",
}
_UNKNOWN_AUTHORITY: Final = (
    "set 'ca_file' (SERVICE_HTTP_CA_FILE) to the authority that has signed the server's certificate"
)


def tls_error(error: BaseException | None) -> ssl.SSLError | None:
    """The error of OpenSSL, among the causes of a client's error; None if it is not about TLS."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def is_refusal(error: ssl.SSLError) -> bool:
    """Whether the server has refused the handshake, so that it has read nothing of a request.

    With TLS 1.3 a client gets the alert after it has sent one.
    """
    return _alert(error) in _BY_ALERT


def remedy(error: ssl.SSLError) -> str:
    """The remedy; empty if it is not known."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _BY_VERIFICATION.get(error.verify_code, _UNKNOWN_AUTHORITY)
    if isinstance(error, ssl.SSLEOFError):
        return f"the server has closed the connection; if it does so at every call, maybe {_GIVE_CERTIFICATE}"
    return _BY_ALERT.get(_alert(error)) or _BY_REASON.get(error.reason, "")


def _alert(error: ssl.SSLError) -> str:
    return (getattr(error, "reason", None) or "").partition("_ALERT_")[2]
