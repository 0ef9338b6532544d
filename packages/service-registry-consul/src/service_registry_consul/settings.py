"""Every setting of the registry, from code or from the environment."""

from __future__ import annotations

import ipaddress
import json
import ssl
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from consul import Consul
from pydantic import AliasChoices, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from service_core.process import refuse_unknown, warn_about_unknown
from service_registry_consul.meta import check_metadata
from service_registry_consul.python_consul import values_of_client

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PREFIX: Final = "SERVICE_CONSUL_"
"""The prefix of the environment variables of the settings."""
DEFAULT_PORT: Final = 8500


class ConsulSettings(BaseSettings):
    """The connection to Consul, the registration, and the rules for discovered addresses.

    A setting that is not given in code is read from the environment variable ``SERVICE_CONSUL_<NAME>`` (lists
    separated by commas or as JSON, maps as JSON), then, for address, token and certificates, from the variable that
    Consul's own tools use. All times are seconds. Raises ``pydantic.ValidationError``, a ValueError, for wrong values.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        title=f"ConsulSettings (environment variables {PREFIX}<NAME>)",
        env_ignore_empty=True,
        populate_by_name=True,
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # which may be a token
    )

    # the agent

    url: str = Field(default="127.0.0.1:8500", validation_alias=AliasChoices("SERVICE_CONSUL_URL", "CONSUL_HTTP_ADDR"))
    """The agent's address, ``host:port`` or ``http(s)://host:port``, with a path if a gateway serves its API below
    one. Use the agent of this machine."""
    scheme: Literal["http", "https"] = "http"
    """The scheme if ``url`` has none."""
    token: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("SERVICE_CONSUL_TOKEN", "CONSUL_HTTP_TOKEN")
    )
    """The ACL token. It needs ``service:write`` for registered components, ``service:read`` and ``node:read``
    for discovered ones. Sent in a header, never logged."""
    datacenter: str | None = None
    """Where to discover components, if not in the agent's own datacenter. Registration is always with the agent."""
    ca_file: Path | None = Field(default=None, validation_alias=AliasChoices("SERVICE_CONSUL_CA_FILE", "CONSUL_CACERT"))
    """The CA that signed the agent's certificate; None for the system's."""
    cert_file: Path | None = Field(
        default=None, validation_alias=AliasChoices("SERVICE_CONSUL_CERT_FILE", "CONSUL_CLIENT_CERT")
    )
    """The client certificate for the agent."""
    key_file: Path | None = Field(
        default=None, validation_alias=AliasChoices("SERVICE_CONSUL_KEY_FILE", "CONSUL_CLIENT_KEY")
    )
    """The key of ``cert_file``, unless that file holds it."""
    verify: bool = Field(default=True, validation_alias=AliasChoices("SERVICE_CONSUL_VERIFY", "CONSUL_HTTP_SSL_VERIFY"))
    """Whether to check the agent's certificate."""
    request_timeout: float = Field(default=2.0, gt=0)
    """How long the agent may take to accept a connection, and to answer a request that is not a blocking query."""
    close_timeout: float = Field(default=5.0, gt=0)
    """How long ``close`` and ``deregister`` may take if the agent hangs."""

    # registration

    advertise_address: str | None = None
    """The host at which others reach this process; None for that of the component's first address. It replaces
    the server's own host in the addresses that callers read."""
    advertise_port: int | None = Field(default=None, gt=0, lt=65536)
    """The port at which others reach this process; None for the server's. It replaces the server's own port in
    the addresses that callers read."""
    tags: Annotated[tuple[str, ...], NoDecode] = ()
    """Tags for the registrations, besides ``component``."""
    metadata: Annotated[dict[str, str], NoDecode] = {}
    """What callers can choose instances by, such as ``{"zone": "eu-1", "version": "2.3", "weight": "5"}``; JSON in the
    environment. Readable by all that may read the registration."""
    check: Literal["http", "ttl"] = "http"
    """How Consul gets the health. ``http``: Consul requests the component's health endpoint, or tries to connect if it
    has none. ``ttl``: this process reports it, for agents that cannot reach it."""
    check_interval: float = Field(default=10.0, gt=0)
    """Time between two checks by Consul, which treats less than 1 s as 1 s."""
    check_timeout: float = Field(default=3.0, gt=0)
    """How long a check may take."""
    check_any_certificate: bool = False
    """Whether an HTTP check accepts any certificate at an ``https`` address; otherwise the agent requires one from an
    authority that it trusts, for the registered address. If the server requires client certificates, use ``ttl``."""
    ttl: float = Field(default=15.0, gt=0)
    """How long a reported state is valid in Consul; it is reported three times in that time."""
    deregister_after: float | None = Field(default=300.0, gt=0)
    """How long a registration may be critical until Consul removes it; at least 60 s, None for never."""
    reconcile_interval: float = Field(default=10.0, gt=0)
    """A registration that was lost for any reason is restored within that time."""

    # discovery

    wait: float = Field(default=60.0, ge=1, le=600)
    """How long a blocking query waits for a change before it is repeated; a black-holed link is detected then."""
    max_queries: int = Field(default=10, ge=0)
    """The most components of a registry with a query, and so a connection, of their own; further ones share
    three connections, over which a change is seen within a second."""
    max_queries_per_machine: int = Field(default=100, ge=0)
    """The most queries of their own of all processes of this user on this machine together. An agent allows
    200 connections from one address (``limits.http_max_conns_per_client``)."""
    doubt_for: float = Field(default=60.0, ge=0)
    """How long an answer that leaves no instance is not applied, as long as known instances still answer. Agents return
    an empty list when they have lost their state, or when the token may no longer read the service; agents that restart
    are reported as failed. Instances whose answer is late are used while none answers. An instance whose own check has
    failed leaves at once."""
    allow_schemes: Annotated[tuple[str, ...], NoDecode] = ("http", "https")
    """Addresses with other schemes are not used."""
    allow_cidrs: Annotated[tuple[Network, ...], NoDecode] = ()
    """If given, only addresses whose host is an IP address in one of these networks are used; names are not resolved
    for that, so they are not."""

    @field_validator("url")
    @classmethod
    def _known_form(cls, url: str) -> str:
        scheme, found, rest = url.partition("://")
        if found and scheme not in ("http", "https"):
            raise ValueError(f"'{scheme}' is not supported; write http://host:port or https://host:port")
        parts = urlsplit(f"//{rest if found else url}")
        if parts.username is not None or parts.password is not None:
            raise ValueError("it holds credentials; use setting 'token' for them")
        if not parts.hostname:
            raise ValueError("it has no host; write host:port")
        port = parts.port or DEFAULT_PORT  # raises ValueError if it is not a port
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        if parts.query or parts.fragment:
            raise ValueError("it holds a query; write host:port, with a path if a gateway needs one")
        path = parts.path.rstrip("/")
        return f"{scheme}://{host}:{port}{path}" if found else f"{host}:{port}{path}"

    @field_validator("tags", "allow_schemes", "allow_cidrs", mode="before")
    @classmethod
    def _one_by_one(cls, values: Any) -> Any:
        if not isinstance(values, str):
            return values
        return (
            _parsed(values) if values.startswith("[") else [one for part in values.split(",") if (one := part.strip())]
        )

    @field_validator("metadata", mode="before")
    @classmethod
    def _object(cls, value: Any) -> Any:
        return _parsed(value) if isinstance(value, str) else value

    @field_validator("metadata")
    @classmethod
    def _metadata_can_be_kept(cls, metadata: dict[str, str]) -> dict[str, str]:
        check_metadata(metadata)
        return metadata

    @field_validator("token")
    @classmethod
    def _fits_a_header(cls, token: SecretStr | None) -> SecretStr | None:
        text = token.get_secret_value().strip() if token is not None else ""
        if not (text.isascii() and text.isprintable()):
            raise ValueError("a token is printable ASCII")
        return SecretStr(text) if text else None

    _names_are_known = model_validator(mode="before")(refuse_unknown)

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
    def path(self) -> str:
        """The prefix of the paths of the agent's API, without a slash at the end; mostly empty."""
        return urlsplit(self.address).path

    @property
    def uses_tls(self) -> bool:
        """Whether the connection to the agent uses TLS."""
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


def _parsed(text: str) -> Any:
    """The value of JSON in an environment variable."""
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(
            f'it is not JSON ({error}); write {{"zone": "eu-1"}} for a map, ["a", "b"] for a list'
        ) from None


def settings_of(given: str | Consul | ConsulSettings | None, options: dict[str, Any]) -> ConsulSettings:
    """The settings for the arguments of a registry; ``options`` win.

    Of a client object only address, token, datacenter and TLS options are taken.
    """
    warn_about_unknown(PREFIX, ConsulSettings.model_fields)
    values: dict[str, Any]
    match given:
        case None:
            values = {}
        case str():
            values = {"url": given}
        case ConsulSettings():
            values = given.model_dump()
        case Consul():
            values = values_of_client(given)
        case _:
            raise TypeError(
                f"ConsulComponentRegistry(consul=...) takes a URL, a consul.Consul or ConsulSettings, not {given!r}"
            )
    return ConsulSettings(**(values | options))
