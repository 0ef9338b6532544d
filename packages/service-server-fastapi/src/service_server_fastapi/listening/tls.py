"""The server's end of TLS."""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import Final

from service_core.tls import Identity, load_authority, load_identity, secured
from service_server_fastapi.settings import ServerSettings

_PREFIX: Final = "SERVICE_SERVER_"


def server_tls(settings: ServerSettings) -> ssl.SSLContext | None:
    """How to encrypt, None for plain HTTP. Raises LocalServiceException, which names the setting that is wrong."""
    if settings.cert_file is None:
        return None
    context = secured(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    context.sslobject_class = _StrictConnection
    load_identity(
        context,
        Identity(cert_file=settings.cert_file, key_file=settings.key_file, key_password=settings.key_password),
        _PREFIX,
    )
    if settings.client_ca_file is not None:
        load_authority(context, settings.client_ca_file, "client_ca_file", _PREFIX)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class _StrictConnection(ssl.SSLObject):
    """One connection that reports why it is refused, and does not wait for a close_notify.

    Event loops send what is pending when a read is reported as incomplete.
    """

    _refusal: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """Shake hands. A client without the right certificate gets an alert before the connection ends.

        Loops would drop the alert, and the client would see nothing but a lost connection: with TLS 1.3 after it has
        sent a request, which may then have been executed, as far as it can know.
        """
        if self._refusal is not None:
            raise self._refusal
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if not _is_about_the_client(error):
                raise
            self._refusal = error
            raise ssl.SSLWantReadError from None

    def unwrap(self) -> None:
        """Send close_notify without a wait: clients answer when they use the connection again, which delays a stop."""
        with suppress(ssl.SSLError):
            super().unwrap()


def _is_about_the_client(error: ssl.SSLError) -> bool:
    return isinstance(error, ssl.SSLCertVerificationError) or error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE"
