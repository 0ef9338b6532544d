"""All settings of a server, with defaults for production."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from service_core import LocalServiceException
from service_core.process import is_service_link, refuse_unknown, warn_about_unknown
from service_server_fastapi.access.allowed_hosts import check_host
from service_server_fastapi.access.browsers import check_origin

PREFIX: Final = "SERVICE_SERVER_"
"""The prefix of the environment variables of the settings."""

SHARED_PROPAGATION_DELAY: Final = 0.5
"""Seconds between deregistration and the end of new calls, unless set, with a registry that processes share."""

Seconds = Annotated[float, Field(allow_inf_nan=False)]


def _octal(mode: Any) -> Any:
    """Permissions, written as for ``chmod`` if they are a text."""
    return int(mode, 8) if isinstance(mode, str) else mode


class _Environment(EnvSettingsSource):
    """Ignores the address that a cluster puts into ``SERVICE_SERVER_PORT`` for a Service of that name."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if not is_service_link(value)}


class ServerSettings(BaseSettings):
    """Set in code, or by environment variables ``SERVICE_SERVER_<NAME>``; code wins, empty variables are ignored."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        title=f"ServerSettings (environment variables {PREFIX}<NAME>)",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
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

    # address, and what callers may read

    host: str = "0.0.0.0"  # noqa: S104 - a server is meant to be reached
    """The address to listen on. ``serve`` and the command ``service run`` use 127.0.0.1 instead."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""
    uds: Path | None = None
    """The path of a Unix domain socket to listen on, instead of host and port. A file that an earlier process has left
    there is replaced; it is removed at the end."""
    uds_mode: Annotated[int, BeforeValidator(_octal)] = Field(default=0o600, ge=0, le=0o777)
    """The permissions of that file: connecting needs to write it. By default other users cannot connect. In the
    environment it is octal: ``660``."""
    expose_errors: bool = False
    """Whether callers get the messages of errors that are not declared; they may contain secrets."""
    details: bool = False
    """Whether health and report include addresses and the details of checks; they may help attackers."""
    report: bool = False
    """Whether ``/report`` answers with the services that this process hosts and calls."""
    describe: bool | None = None
    """Whether ``/describe`` describes the services that this process hosts. None: only for requests from this machine,
    to a loopback host on a loopback address, without headers of a proxy."""

    # encryption

    cert_file: Path | None = None
    """PEM file with the server's certificate, followed by the intermediate ones. With it the server uses HTTPS only;
    without it plain HTTP. Files are read once, at the start."""
    key_file: Path | None = None
    """PEM file with the certificate's private key; None if ``cert_file`` holds it."""
    key_password: SecretStr | None = None
    """The password of the key; None if it is not encrypted."""
    client_ca_file: Path | None = None
    """PEM file with an authority: clients must have a certificate that it has signed. None for any client."""

    # access

    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Host names that requests may have, ``*.example.org`` for all below one; none for any. In the environment they are
    separated by commas. IP addresses and ``localhost`` are always allowed, since they cannot be resolved to another
    machine."""

    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Origins (``https://shop.example.org``) whose pages may send what a browser sends without a preflight: a ``POST``
    without a content type. Pages of the server itself need no entry, unless a proxy rewrites the ``Host`` header. In
    the environment they are separated by commas. CORS middleware decides about other requests of foreign pages."""

    # limits

    worker_threads: int = Field(default=40, ge=1)
    """How many ``def`` methods run at once; more of them wait."""
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    """The largest body in bytes that is read; a larger one is answered with 413."""
    max_values: int = Field(default=1_000_000, ge=1)
    """The most values in a request, keys of maps included; one with more is answered with 413."""
    memory_budget: int | None = Field(default=None, ge=1024 * 1024)
    """Bytes of memory of all large requests in progress together, 16 for each byte of their bodies or what their
    values may need; beyond it they are answered with 503. None for a quarter of the memory of the machine, or of
    its container."""
    max_header_bytes: int = Field(default=64 * 1024, ge=1024)
    """The largest head of a request in bytes; a larger one is answered with 431."""
    max_concurrency: int = Field(default=1000, ge=1)
    """The most calls that are in progress or wait for a worker; the next one is answered with 503."""
    max_streams_per_caller: int | None = Field(default=None, ge=1)
    """The most streams that a caller has open at once; the next one is answered with 429. A caller is a principal if
    its token was verified, else an address, which callers behind one proxy share. None for half of
    ``max_concurrency``, so that one caller does not take all places. A connection carries one stream at a time."""
    receive_timeout: Seconds = Field(default=10.0, gt=0)
    """Seconds within which a request must have arrived, its head and its body each; then it is answered with 408.

    The connection of a client that does not read its response for so long is closed.
    """
    health_timeout: Seconds = Field(default=5.0, gt=0)
    """Seconds that ``get_health`` of a component may take; then it is reported as an error."""
    keep_alive: Seconds = Field(default=15.0, gt=0)
    """Seconds that an idle connection is kept; longer than clients keep it, so that the client closes it first."""
    stream_keep_alive: Seconds = Field(default=15.0, gt=0)
    """Seconds without an item after which a stream sends a part that says nothing, so that proxies keep its
    connection."""

    # stop

    propagation_delay: Annotated[Seconds, Field(ge=0)] | None = None
    """Seconds between deregistration and the end of new calls, for clients and proxies to receive the change. None is
    0.5 with a registry that other processes share, else 0."""
    drain_timeout: Seconds = Field(default=20.0, ge=0)
    """Seconds that calls in flight may take to finish when the server stops; then they are cancelled."""
    shutdown_timeout: Seconds = Field(default=10.0, gt=0)
    """Seconds that components and the container may take to shut down; then the server stops without them."""

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

    _names_are_known = model_validator(mode="before")(refuse_unknown)

    @model_validator(mode="after")
    def _certificate_comes_first(self) -> Self:
        for name in ("key_file", "key_password", "client_ca_file"):
            if self.cert_file is None and getattr(self, name) is not None:
                raise ValueError(f"setting '{name}' is given without 'cert_file'")
        if self.cert_file is not None and self.uds is not None:
            raise ValueError("setting 'cert_file' is for ports; what a Unix socket ('uds') carries leaves no machine")
        return self

    @property
    def uses_tls(self) -> bool:
        """Whether the server uses HTTPS."""
        return self.cert_file is not None


def settings_of(
    base: ServerSettings | None,
    *,
    host: str | None,
    port: int | None,
    uds: str | os.PathLike[str] | None,
    expose_errors: bool | None,
    default_host: str,
) -> ServerSettings:
    """The settings with what is not None in place of theirs. Raises LocalServiceException for a port and a ``uds``.

    ``default_host`` takes the place of a host that neither ``base`` nor a variable sets.
    """
    if base is not None and not isinstance(base, ServerSettings):
        raise LocalServiceException(f"settings=... takes ServerSettings(...), not a {type(base).__name__}")
    if isinstance(host, ServerSettings):
        raise LocalServiceException("FastAPIServer() got settings by place; write FastAPIServer(settings=...)")
    warn_about_unknown(PREFIX, ServerSettings.model_fields)
    given = {"host": host, "port": port, "uds": uds, "expose_errors": expose_errors}
    overrides: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if host is not None or port is not None:
        if uds is not None:
            raise LocalServiceException("a server listens on host and port or on a Unix socket (uds), not on both")
        overrides["uds"] = None  # not the one of the environment
    settings = ServerSettings(**{**(base.model_dump(exclude_unset=True) if base is not None else {}), **overrides})
    is_set = "host" in settings.model_fields_set
    return settings if is_set else settings.model_copy(update={"host": default_host})
