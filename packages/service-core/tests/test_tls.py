"""Files for TLS that are good, and what is said about those that are not."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from service_core import LocalServiceException
from service_core.tls import Identity, load_authority, load_identity, secured

PASSWORD = "hunter2"
ANOTHER = "swordfish"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of an authority and of a certificate, and some that are wrong."""
    folder = tmp_path_factory.mktemp("files")
    authority = trustme.CA()
    one, other = authority.issue_cert("one"), authority.issue_cert("other")
    key = one.private_key_pem.bytes()
    encrypted = load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
    )
    cert = one.cert_chain_pems[0].bytes()
    files = {
        "ca.pem": authority.cert_pem.bytes(),
        "cert.pem": cert,
        "key.pem": key,
        "both.pem": cert + key,
        "both-encrypted.pem": cert + encrypted,
        "encrypted.pem": encrypted,
        "other-key.pem": other.private_key_pem.bytes(),
        "junk.pem": b"junk",
        "broken.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def load(folder: Path, cert: str, key: str | None = None, password: str | None = None) -> None:
    identity = Identity(
        cert_file=folder / cert,
        key_file=folder / key if key is not None else None,
        key_password=SecretStr(password) if password is not None else None,
    )
    load_identity(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), identity, "SERVICE_X_")


@pytest.mark.parametrize(
    ("cert", "key", "password"),
    [
        ("cert.pem", "key.pem", None),
        ("cert.pem", "key.pem", "not needed"),
        ("both.pem", None, None),
        ("cert.pem", "encrypted.pem", PASSWORD),
        ("both-encrypted.pem", None, PASSWORD),
    ],
)
def test_good_files_are_loaded(folder: Path, cert: str, key: str | None, password: str | None) -> None:
    load(folder, cert, key, password)


@pytest.mark.parametrize(
    ("cert", "key", "password", "message"),
    [
        ("absent.pem", None, None, "'cert_file' (SERVICE_X_CERT_FILE): cannot read {}/absent.pem: No such file or"),
        ("", None, None, "'cert_file' (SERVICE_X_CERT_FILE): cannot read {}: Is a directory"),
        ("junk.pem", "key.pem", None, "'cert_file' (SERVICE_X_CERT_FILE): {}/junk.pem holds no certificate in PEM"),
        ("cert.pem", None, None, "'cert_file' (SERVICE_X_CERT_FILE): {}/cert.pem holds no private key; give its file"),
        ("cert.pem", "absent.pem", None, "'key_file' (SERVICE_X_KEY_FILE): cannot read {}/absent.pem: No such"),
        ("cert.pem", "junk.pem", None, "'key_file' (SERVICE_X_KEY_FILE): {}/junk.pem holds no private key in PEM"),
        ("cert.pem", "other-key.pem", None, "'key_file' (SERVICE_X_KEY_FILE): the key is not that of the certificate"),
        ("cert.pem", "encrypted.pem", None, "'key_file' (SERVICE_X_KEY_FILE): the key is encrypted; give its password"),
        (
            "cert.pem",
            "encrypted.pem",
            ANOTHER,
            "'key_password' (SERVICE_X_KEY_PASSWORD): it does not open the key in",
        ),
        ("both-encrypted.pem", None, None, "'cert_file' (SERVICE_X_CERT_FILE): the key is encrypted"),
        ("both-encrypted.pem", None, ANOTHER, "'key_password' (SERVICE_X_KEY_PASSWORD): it does not open the key in"),
        ("cert.pem", "encrypted.pem", ANOTHER * 200, "'key_password' (SERVICE_X_KEY_PASSWORD): it does not open"),
        (
            "broken.pem",
            "key.pem",
            None,
            "'cert_file' (SERVICE_X_CERT_FILE): {}/broken.pem and its key cannot be",
        ),
    ],
)
def test_wrong_files_are_refused_with_the_setting(
    folder: Path, cert: str, key: str | None, password: str | None, message: str
) -> None:
    with pytest.raises(LocalServiceException, match="^setting " + re.escape(message.format(folder))) as caught:
        load(folder, cert, key, password)
    assert password is None or password not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("absent.pem", "cannot read {}/absent.pem: No such file or directory"),
        ("key.pem", "{}/key.pem holds no certificate in PEM form"),
        ("broken.pem", "{}/broken.pem holds a certificate that cannot be read"),
    ],
)
def test_a_wrong_authority_is_refused_with_the_setting(folder: Path, file: str, message: str) -> None:
    with pytest.raises(LocalServiceException) as caught:
        load_authority(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), folder / file, "ca_file", "SERVICE_X_")
    assert str(caught.value).startswith(f"setting 'ca_file' (SERVICE_X_CA_FILE): {message.format(folder)}")


def test_an_authority_is_trusted(folder: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    load_authority(context, folder / "ca.pem", "ca_file", "SERVICE_X_")
    assert len(context.get_ca_certs()) == 1


def test_old_versions_are_not_spoken() -> None:
    context = secured(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_a_password_is_not_shown() -> None:
    assert PASSWORD not in repr(Identity(cert_file="c", key_password=SecretStr(PASSWORD)))
