"""Every setting of the registry, from code or from the environment."""

from __future__ import annotations

import ipaddress
import ssl
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

import consul
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["ConsulSettings", "settings_of"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_PORT: Final = 8500


class ConsulSettings(BaseSettings):
    """How to reach Consul, what to tell it, and what to believe it.

    A setting that is not given in code is read from the environment variable ``SERVICE_CONSUL_<NAME>`` (lists
    as JSON), then, for address, token and certificates, from the variable that Consul's own tools use. All
    times are seconds. Raises ``pydantic.ValidationError`` (a ValueError) for values that can never work.
    """

    model_config = SettingsConfigDict(
        env_prefix="SERVICE_CONSUL_",
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # which may be a token
    )

    # the agent

    url: str = Field(default="127.0.0.1:8500", validation_alias=AliasChoices("SERVICE_CONSUL_URL", "CONSUL_HTTP_ADDR"))
    """The agent's address, ``host:port`` or ``http(s)://host:port``. Use the agent of this machine."""
    scheme: Literal["http", "https"] = "http"
    """How to talk to the agent if ``url`` does not say so."""
    token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("SERVICE_CONSUL_TOKEN", "CONSUL_HTTP_TOKEN")
    )
    """The ACL token. It needs ``service:write`` for what is registered, ``service:read`` and ``node:read``
    for what is looked for. Sent in a header, never logged."""
    datacenter: str | None = None
    """Where to look for components, if not in the agent's own datacenter. Registration is always with the agent."""
    ca_file: Path | None = Field(default=None, validation_alias=AliasChoices("SERVICE_CONSUL_CA_FILE", "CONSUL_CACERT"))
    """The CA that signed the agent's certificate; None for the system's."""
    cert_file: Path | None = Field(
        default=None, validation_alias=AliasChoices("SERVICE_CONSUL_CERT_FILE", "CONSUL_CLIENT_CERT")
    )
    """The certificate that this process shows to the agent."""
    key_file: Path | None = Field(
        default=None, validation_alias=AliasChoices("SERVICE_CONSUL_KEY_FILE", "CONSUL_CLIENT_KEY")
    )
    """The key of ``cert_file``, unless that file holds it."""
    verify: bool = Field(default=True, validation_alias=AliasChoices("SERVICE_CONSUL_VERIFY", "CONSUL_HTTP_SSL_VERIFY"))
    """Whether to check the agent's certificate."""
    request_timeout: float = Field(default=2.0, gt=0)
    """How long the agent may take to accept a connection, and to answer anything that is not a watch."""
    close_timeout: float = Field(default=5.0, gt=0)
    """How long ``close`` and ``deregister`` may take if the agent hangs."""

    # what is registered

    advertise_address: str | None = None
    """The host under which others reach this process; None for that of the component's first address."""
    advertise_port: int | None = Field(default=None, gt=0, lt=65536)
    """The port under which others reach this process; None for the server's."""
    tags: tuple[str, ...] = ()
    """Tags for the registrations, besides ``component``."""
    check: Literal["http", "ttl"] = "http"
    """Who finds out about the health. ``http``: Consul asks the component's health endpoint, or tries to
    connect if it has none. ``ttl``: this process tells, for agents that cannot reach it."""
    check_interval: float = Field(default=10.0, gt=0)
    """Time between two checks by Consul, which takes less than 1 s for 1 s."""
    check_timeout: float = Field(default=3.0, gt=0)
    """How long a check may take."""
    check_any_certificate: bool = False
    """Whether an HTTP check may find any certificate at an ``https`` address, else the agent wants one from an
    authority that it believes, for the address that is registered. If it demands one of clients, use ``ttl``."""
    ttl: float = Field(default=15.0, gt=0)
    """How long Consul believes what this process told; it tells three times in that time."""
    deregister_after: float | None = Field(default=300.0, gt=0)
    """After that time in a critical state Consul forgets a registration; at least 60 s, None for never."""
    reconcile_interval: float = Field(default=10.0, gt=0)
    """A registration that got lost, by whatever reason, is back after at most that time."""

    # what is looked for

    wait: float = Field(default=60.0, ge=1, le=600)
    """How long a watch waits for a change before it asks again; a link that swallows everything is noticed then."""
    max_queries: int = Field(default=100, ge=1)
    """Up to so many components get a watch, and so a connection, of their own; further ones share three. An agent
    allows 200 connections from one address, of all processes together (``limits.http_max_conns_per_client``)."""
    allow_schemes: tuple[str, ...] = ("http", "https")
    """Addresses with other schemes are not used."""
    allow_cidrs: tuple[Network, ...] = ()
    """If given, only addresses whose host is an IP address in one of these networks are used; names are not resolved
    for that, so they are not."""

    @field_validator("url")
    @classmethod
    def _known_form(cls, url: str) -> str:
        scheme, found, rest = url.partition("://")
        if found and scheme not in ("http", "https"):
            raise ValueError(f"'{scheme}' is no way to reach Consul; write http://host:port or https://host:port")
        parts = urlsplit(f"//{rest if found else url}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("it holds credentials; give them in setting 'token'")
        if not parts.hostname:
            raise ValueError("it names no host; write host:port")
        port = parts.port or DEFAULT_PORT  # raises ValueError for what is no port
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{scheme}://{host}:{port}" if found else f"{host}:{port}"

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        text = token.get_secret_value().strip() if token is not None else ""
        if not (text.isascii() and text.isprintable()):
            raise ValueError("a token is printable ASCII")
        return SecretStr(text) if text else None

    @model_validator(mode="after")
    def _key_needs_certificate(self) -> ConsulSettings:
        if self.key_file is not None and self.cert_file is None:
            raise ValueError("setting 'key_file' is given without 'cert_file'")
        return self

    @property
    def address(self) -> str:
        """The agent's address in full, ``http://host:port``."""
        return self.url if "://" in self.url else f"{self.scheme}://{self.url}"

    @property
    def host(self) -> str:
        """The agent's host, an IPv6 address without brackets."""
        return urlsplit(self.address).hostname or ""

    @property
    def port(self) -> int:
        """The agent's port."""
        return urlsplit(self.address).port or DEFAULT_PORT

    @property
    def uses_tls(self) -> bool:
        """Whether the agent is spoken to over TLS."""
        return self.address.startswith("https:")

    def ssl_context(self) -> ssl.SSLContext | None:
        """The TLS side of a connection to the agent, None without TLS. Raises OSError for unreadable files."""
        if not self.uses_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca_file)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.cert_file is not None:
            context.load_cert_chain(self.cert_file, self.key_file)
        return context


def settings_of(given: str | consul.Consul | ConsulSettings | None, options: dict[str, object]) -> ConsulSettings:
    """The settings that follow from what a registry was given; ``options`` win.

    Of a client object only address, token, datacenter and TLS options are taken: it is not made for being
    used by several threads.
    """
    values: dict[str, object]
    match given:
        case None:
            values = {}
        case str():
            values = {"url": given}
        case ConsulSettings():
            values = given.model_dump()
        case consul.Consul():
            values = _values_of_client(given)
        case _:
            raise TypeError(
                f"ConsulComponentRegistry(consul=...) takes a URL, a consul.Consul or ConsulSettings, not {given!r}"
            )
    return ConsulSettings(**(values | options))  # type: ignore[arg-type] # validated there


def _values_of_client(client: consul.Consul) -> dict[str, object]:
    http = client.http
    cert_file, key_file = http.cert if isinstance(http.cert, tuple) else (http.cert, None)
    host = f"[{http.host}]" if ":" in http.host else http.host
    return {
        "url": f"{http.scheme}://{host}:{http.port}",
        "token": client.token,
        "datacenter": client.dc,
        "verify": http.verify is not False,
        "ca_file": http.verify if isinstance(http.verify, str) else None,
        "cert_file": cert_file,
        "key_file": key_file,
    }
