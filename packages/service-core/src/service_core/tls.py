"""The files that TLS needs, for servers and for clients: loaded, or refused with the setting to correct."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from service_core.errors import LocalServiceException

__all__ = ["Identity", "load_authority", "load_identity", "secured", "unverified"]

_CERTIFICATE: Final = b"-----BEGIN CERTIFICATE-----"
_KEY: Final = b"PRIVATE KEY-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The certificate with which a process identifies itself."""

    cert_file: str | os.PathLike[str]
    """PEM file with the certificate, and after it those between it and its authority."""
    key_file: str | os.PathLike[str] | None = None
    """PEM file with the certificate's private key; None if ``cert_file`` holds it."""
    key_password: SecretStr | None = None
    """The password of the key; None if it is not encrypted."""


def secured(context: ssl.SSLContext) -> ssl.SSLContext:
    """The context with what is required of every connection: TLS 1.2 or later, for HTTP/1.1."""
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    return context


def unverified() -> ssl.SSLContext:
    """A context for clients that checks no certificate; only for requests that hold no secret."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def load_authority(context: ssl.SSLContext, file: str | os.PathLike[str], setting: str, prefix: str) -> None:
    """Trust certificates that an authority in ``file`` has signed. Raises LocalServiceException.

    ``setting`` is the name of the setting that the file comes from, ``prefix`` that of its environment variable.
    """
    if _CERTIFICATE not in _read(file, setting, prefix):
        raise _wrong(setting, prefix, f"{file} holds no certificate in PEM form")
    try:
        context.load_verify_locations(file)
    except ssl.SSLError as error:
        raise _wrong(setting, prefix, f"{file} holds a certificate that cannot be read ({error})") from error


def load_identity(context: ssl.SSLContext, identity: Identity, prefix: str) -> None:
    """Identify this process with a certificate. Raises LocalServiceException, which names the setting.

    The settings are called as the fields of ``identity``; ``prefix`` is that of their environment variables.
    """
    cert_file, key_file, password = identity.cert_file, identity.key_file, identity.key_password
    certificate = _read(cert_file, "cert_file", prefix)
    if _CERTIFICATE not in certificate:
        raise _wrong("cert_file", prefix, f"{cert_file} holds no certificate in PEM form")
    if key_file is None and _KEY not in certificate:
        raise _wrong("cert_file", prefix, f"{cert_file} holds no private key; give its file in setting 'key_file'")
    if key_file is not None and _KEY not in _read(key_file, "key_file", prefix):
        raise _wrong("key_file", prefix, f"{key_file} holds no private key in PEM form")
    requests: list[bool] = []

    def get_password() -> str:  # without a function, OpenSSL prompts on the terminal and waits
        requests.append(True)
        return password.get_secret_value() if password is not None else ""

    try:
        context.load_cert_chain(cert_file, key_file, get_password)
    except (OSError, ValueError) as error:  # the latter for a password that is too long
        key = "cert_file" if key_file is None else "key_file"
        if requests and password is None:
            raise _wrong(key, prefix, "the key is encrypted; give its password in setting 'key_password'") from error
        if requests:
            raise _wrong("key_password", prefix, f"it does not open the key in {key_file or cert_file}") from error
        if getattr(error, "reason", None) in ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"):
            raise _wrong(key, prefix, f"the key is not that of the certificate in {cert_file}") from error
        raise _wrong("cert_file", prefix, f"{cert_file} and its key cannot be loaded ({error})") from error


def _read(file: str | os.PathLike[str], setting: str, prefix: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise _wrong(setting, prefix, f"cannot read {file}: {error.strerror}") from error


def _wrong(setting: str, prefix: str, what: str) -> LocalServiceException:
    return LocalServiceException(f"setting '{setting}' ({prefix}{setting.upper()}): {what}")
