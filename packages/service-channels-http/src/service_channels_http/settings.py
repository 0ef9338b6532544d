"""The settings of all HTTP channels of a process, from environment variables."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service_channels_http.transport.tls.context import ClientTLS
from service_core.process import refuse_unknown, warn_about_unknown


class HTTPSettings(BaseSettings):
    """Read from the environment variables ``SERVICE_HTTP_<NAME>`` whenever a channel is created.

    A channel starts with these values as its attributes, which ``customize`` may change. Raises
    ``pydantic.ValidationError`` (a ValueError) for invalid values.
    """

    model_config = SettingsConfigDict(
        env_prefix="SERVICE_HTTP_",
        title="HTTPSettings (environment variables SERVICE_HTTP_<NAME>)",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,  # which may be a password
    )

    ca_file: Path | None = None
    """PEM file with the authorities that are trusted for ``https`` addresses; None for those of the system."""
    cert_file: Path | None = None
    """PEM file with the certificate that servers get which require one."""
    key_file: Path | None = None
    """PEM file with the private key of the certificate; None if ``cert_file`` holds it."""
    key_password: SecretStr | None = None
    """The password of the key; None if it is not encrypted."""

    connect_timeout: float = Field(default=2.0, gt=0, allow_inf_nan=False)
    """The most seconds for a connection to be opened; the rest of the call's time is left for another instance."""
    max_response_bytes: int = Field(default=64 * 1024 * 1024, ge=1)
    """The largest size of an answer, in bytes."""
    transport: Literal["engine", "httpx"] = "engine"
    """``httpx`` sends every request with httpx, so that its mocks and recorders see them."""
    gateway_503_not_run: bool = False
    """Whether all gateways on the way answer 503 only to requests that they passed to no server, as HAProxy does when
    no server is available and nothing else of it answers 503."""
    keep_alive: float = Field(default=4.0, gt=0, allow_inf_nan=False)
    """Seconds that an idle connection is kept; shorter than the server keeps it, at which end we must not send. uvicorn
    closes them after 5 s."""

    _names_are_known = model_validator(mode="before")(refuse_unknown)

    @classmethod
    def read(cls) -> Self:
        """The settings of the environment. Logs a warning for a variable with the prefix that no setting has."""
        warn_about_unknown("SERVICE_HTTP_", cls.model_fields)
        return cls()

    @property
    def tls(self) -> ClientTLS:
        """The first four, the settings for ``https`` addresses."""
        return ClientTLS(
            ca_file=self.ca_file, cert_file=self.cert_file, key_file=self.key_file, key_password=self.key_password
        )
