"""What is said about TLS that does not come about, and what is certain about the call then."""

from __future__ import annotations

import ssl

import httpx
import pytest

from service_channels_http import HTTPRequest
from service_channels_http.transport.errors import lost, not_sent
from service_channels_http.transport.httpx.failures import translated
from service_channels_http.transport.tls.failures import is_refusal, remedy, tls_error
from service_core import Deadline, ServiceCommunicationException

GIVE = "the server requires a certificate; set 'cert_file' (SERVICE_HTTP_CERT_FILE)"
REFUSALS = [
    ("TLSV13_ALERT_CERTIFICATE_REQUIRED", GIVE),
    ("SSLV3_ALERT_HANDSHAKE_FAILURE", GIVE),
    ("TLSV1_ALERT_UNKNOWN_CA", "the server does not accept the certificate in setting 'cert_file'"),
    ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "the server does not accept the certificate in setting 'cert_file'"),
    ("TLSV1_ALERT_ACCESS_DENIED", "the server does not accept the certificate in setting 'cert_file'"),
]


def error_of(reason: str | None, kind: type[ssl.SSLError] = ssl.SSLError) -> ssl.SSLError:
    error = kind(1, f"[SSL: {reason}]")
    error.reason = reason or ""
    return error


def request() -> HTTPRequest:
    return HTTPRequest(url="https://h/", headers={}, content=b"", deadline=Deadline.after(30), caller="A.b")


@pytest.mark.parametrize(("reason", "what_to_do"), REFUSALS)
def test_a_refusal_after_the_request_was_sent_means_that_nothing_was_run(reason: str, what_to_do: str) -> None:
    error = lost(request(), error_of(reason))
    assert not error.may_have_run
    assert f"cannot connect ([SSL: {reason}]); {what_to_do}" in error.message


@pytest.mark.parametrize("reason", ["TLSV1_ALERT_INTERNAL_ERROR", "SSLV3_ALERT_CLOSE_NOTIFY", "BAD_LENGTH", None])
def test_any_other_end_leaves_it_open_whether_it_was_run(reason: str | None) -> None:
    assert not is_refusal(error_of(reason))
    assert lost(request(), error_of(reason)).may_have_run
    assert lost(request(), ConnectionResetError()).may_have_run


def test_what_openssl_says_is_found_under_the_errors_of_clients() -> None:
    cause = error_of("TLSV1_ALERT_UNKNOWN_CA")
    error = httpx.ReadError("lost")
    error.__cause__ = OSError()
    error.__cause__.__context__ = cause
    assert tls_error(error) is cause
    assert tls_error(httpx.ReadError("lost")) is None
    assert tls_error(None) is None


@pytest.mark.parametrize("layers", [True, False])
def test_httpx_is_understood_with_and_without_its_layers(layers: bool) -> None:
    def fail() -> None:
        cause = error_of("TLSV13_ALERT_CERTIFICATE_REQUIRED")
        if layers:
            raise httpx.ReadError("lost") from cause
        raise cause  # what its asyncio side lets through

    with (
        httpx.Client() as client,
        pytest.raises(ServiceCommunicationException) as caught,
        translated(request(), client),
    ):
        fail()
    assert not caught.value.may_have_run


@pytest.mark.parametrize(
    ("code", "what_to_do"),
    [
        (9, "is not valid yet"),
        (10, "has expired; renew it"),
        (18, "set 'ca_file' (SERVICE_HTTP_CA_FILE)"),
        (19, "set 'ca_file' (SERVICE_HTTP_CA_FILE)"),
        (62, "announce the server under a name that is in its certificate"),
        (64, "announce the server under an address that is in its certificate"),
    ],
)
def test_an_untrusted_certificate_is_explained(code: int, what_to_do: str) -> None:
    error = error_of("CERTIFICATE_VERIFY_FAILED", ssl.SSLCertVerificationError)
    assert isinstance(error, ssl.SSLCertVerificationError)
    error.verify_code = code
    assert what_to_do in remedy(error)
    assert what_to_do in str(not_sent(request(), "cannot connect", error))


def test_a_server_that_closes_silently_may_require_a_certificate() -> None:
    assert remedy(error_of(None, ssl.SSLEOFError)) == (
        f"the server has closed the connection; if it does so at every call, maybe {GIVE}"
    )


def test_nothing_is_advised_where_nothing_is_known() -> None:
    assert remedy(error_of("SOMETHING_NEW")) == ""
    assert str(not_sent(request(), "cannot connect", error_of("SOMETHING_NEW"))).endswith(
        "cannot connect ([SSL: SOMETHING_NEW])"
    )
