"""Everything that can be set about a server, with defaults that are right for production."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service_core.variables import is_service_link
from service_server_fastapi.requests.allowed_hosts import check_host
from service_server_fastapi.requests.browsers import check_origin

__all__ = ["PREFIX", "SHARED_PROPAGATION_DELAY", "ServerSettings"]

PREFIX: Final = "SERVICE_SERVER_"
"""How the environment variables of the settings begin."""

SHARED_PROPAGATION_DELAY: Final = 0.5
"""Seconds between deregistration and the end of new calls, unless set, with a registry that processes share."""

Seconds = Annotated[float, Field(allow_inf_nan=False)]


class _Environment(EnvSettingsSource):
    """Without the address that a cluster puts into ``SERVICE_SERVER_PORT`` for a Service of that name."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if not is_service_link(value)}


class ServerSettings(BaseSettings):
    """Given in code, or by environment variables ``SERVICE_SERVER_<NAME>``; code wins, an empty variable is none."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Code first, then the environment."""
        return init_settings, _Environment(settings_cls)

    # where, and what strangers are told

    host: str = "0.0.0.0"  # noqa: S104 - a server is there to be reached
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""
    expose_errors: bool = False
    """Whether callers get the messages of errors that are not declared; they may hold secrets."""
    details: bool = False
    """Whether health and report tell addresses and what checks have to say, too; they may be of use to strangers."""
    report: bool = False
    """Whether ``/report`` tells what this process hosts and calls."""
    describe: bool | None = None
    """Whether ``/describe`` describes the services that this process hosts. None: only for requests from this machine,
    to a loopback host on a loopback address, that no proxy has passed on."""

    # encryption

    cert_file: Path | None = None
    """PEM file with the server's certificate, and after it those between it and its authority. With it the server
    speaks HTTPS only; without it plain HTTP. Files are read once, at the start."""
    key_file: Path | None = None
    """PEM file with the certificate's private key; None if ``cert_file`` holds it."""
    key_password: SecretStr | None = None
    """What the key is encrypted with; None if it is not."""
    client_ca_file: Path | None = None
    """PEM file with an authority: clients must show a certificate that it has signed. None for any client."""

    # who may call

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names by which requests may call this server, ``*.example.org`` for all below one; none for any. In the
    environment they are divided by commas. An IP address and ``localhost`` are always good, since nobody can make
    them stand for another machine."""

    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins (``https://shop.example.org``) whose pages may send what a browser sends without a preflight: a ``POST``
    without a content type. Pages of the server itself need no entry, unless a proxy rewrites the ``Host`` header. In
    the environment they are divided by commas. Other requests of foreign pages are decided by CORS middleware."""

    # limits

    worker_threads: int = Field(default=40, ge=1)
    """How many ``def`` methods run at once; more of them wait."""
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    """The largest request that is read; a larger one is answered with 413."""
    max_values: int = Field(default=1_000_000, ge=1)
    """How many values a request may hold, keys of maps among them; one with more is answered with 413."""
    memory_budget: int | None = Field(default=None, ge=1024 * 1024)
    """Bytes of memory that all large requests in work may need together, 16 for each byte of their bodies; beyond it
    they are answered with 503. None for a quarter of what the machine, or its container, has."""
    max_header_bytes: int = Field(default=64 * 1024, ge=1024)
    """The most that a request may have before its body; a larger one is answered with 431."""
    max_concurrency: int = Field(default=1000, ge=1)
    """How many calls may be in work or wait for a worker; the next one is answered with 503."""
    receive_timeout: Seconds = Field(default=10.0, gt=0)
    """Seconds within which a request must have arrived, its head and its body each; then it is answered with 408.

    A client that takes nothing of the rest of an answer for so long has its connection dropped.
    """
    health_timeout: Seconds = Field(default=5.0, gt=0)
    """Seconds that a component may take to say how it is; then it is told to be in error."""
    keep_alive: Seconds = Field(default=15.0, gt=0)
    """Seconds that an idle connection is kept; longer than clients keep it, who would else find it closed."""

    # the end

    propagation_delay: Annotated[Seconds, Field(ge=0)] | None = None
    """Seconds between deregistration and the end of new calls, in which clients and proxies learn of it. None means
    0.5 with a registry that other processes share, else 0."""
    drain_timeout: Seconds = Field(default=20.0, ge=0)
    """Seconds that calls in flight may take to finish when the server stops; then they are cancelled."""
    shutdown_timeout: Seconds = Field(default=10.0, gt=0)
    """Seconds that components and the container may take to shut down; then nobody waits for them any more."""

    @field_validator("allowed_hosts", "allowed_origins", mode="before")
    @classmethod
    def _one_by_one(cls, names: Any) -> Any:
        return [name.strip() for name in names.split(",") if name.strip()] if isinstance(names, str) else names

    @field_validator("allowed_hosts")
    @classmethod
    def _names_of_hosts(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_host(name) for name in names)

    @field_validator("allowed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(check_origin(origin) for origin in origins)

    @model_validator(mode="after")
    def _certificate_comes_first(self) -> Self:
        for name in ("key_file", "key_password", "client_ca_file"):
            if self.cert_file is None and getattr(self, name) is not None:
                raise ValueError(f"setting '{name}' is given without 'cert_file'")
        return self

    @property
    def uses_tls(self) -> bool:
        """Whether the server speaks HTTPS."""
        return self.cert_file is not None
