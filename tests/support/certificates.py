"""Certificates of authorities that exist for one test only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

__all__ = ["Authority", "Files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Where a certificate and its key are."""

    cert: Path
    key: Path


class Authority:
    """Signs certificates and puts them into a folder, where everybody may read them."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self._name = name
        self.file = folder / f"{name}.pem"
        """Its own certificate."""
        self._write(self.file, self._ca.cert_pem.bytes())

    def issue(self, name: str, *hosts: str, password: str | None = None, days: int = 30) -> Files:
        """A certificate for these hosts, valid until in so many days; with a password the key is encrypted."""
        issued = self._ca.issue_cert(
            *hosts,
            common_name=name,
            not_before=datetime.now(UTC) - timedelta(days=60),
            not_after=datetime.now(UTC) + timedelta(days=days),
        )
        cert, key = (self._folder / f"{self._name}-{name}.{end}" for end in ("pem", "key"))
        self._write(cert, b"".join(part.bytes() for part in issued.cert_chain_pems))
        self._write(key, _encrypted(issued.private_key_pem.bytes(), password))
        return Files(cert=cert, key=key)

    def _write(self, file: Path, content: bytes) -> None:
        file.write_bytes(content)
        file.chmod(0o644)


def _encrypted(key: bytes, password: str | None) -> bytes:
    if password is None:
        return key
    return load_pem_private_key(key, None).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
