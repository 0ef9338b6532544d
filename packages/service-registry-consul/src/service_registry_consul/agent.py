"""The agent's side for servers: register, deregister, heartbeat; over python-consul2 or py-consul.

Both packages bring a module ``consul``; what is used here is the same in both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import consul
import requests

from service_registry_consul.errors import ConsulError, gone, nonsense, refused
from service_registry_consul.probe import State
from service_registry_consul.registration import Registration
from service_registry_consul.settings import ConsulSettings

__all__ = ["Agent"]


class Agent:
    """A client of the agent. For one thread: neither package promises that its client can be shared."""

    def __init__(self, settings: ConsulSettings) -> None:
        """Nothing is sent. Raises ConsulError if the client package refuses what it finds in the
        environment."""
        self._url = settings.address
        try:
            self._consul = _Client(settings)
        except consul.ConsulException as error:
            raise ConsulError(str(error)) from error

    def services(self) -> Mapping[str, Any]:
        """What the agent knows of services that were registered with it, by id. Raises ConsulError."""
        with self._translated():
            services = self._consul.agent.services()
        if not isinstance(services, dict):
            raise nonsense(self._url, f"services: {str(services)[:100]!r}")
        return services

    def register(self, registration: Registration, state: State) -> None:
        """Register, or register anew; ``state`` counts until the check has run. Raises ConsulError."""
        with self._translated():
            self._consul.agent.service.register(
                registration.component,
                service_id=registration.id,
                address=registration.address,
                port=registration.port,
                tags=list(registration.tags),
                meta=dict(registration.meta),
                check={**registration.check, "Status": state},
            )

    def deregister(self, service_id: str) -> None:
        """Take a registration back. Raises ConsulError."""
        with self._translated():
            self._consul.agent.service.deregister(service_id)

    def heartbeat(self, registration: Registration, state: State) -> None:
        """Tell how a component is that has a TTL check. Raises ConsulError, also if the agent knows no such
        check."""
        check = self._consul.agent.check
        tell = {"passing": check.ttl_pass, "warning": check.ttl_warn, "critical": check.ttl_fail}[state]
        with self._translated():
            tell(registration.check_id)

    def limit(self, timeout: float) -> None:
        """From now on wait ``timeout`` seconds for a connection, and as long for each answer."""
        self._consul.limit(timeout)

    def close(self) -> None:
        """Close the connection."""
        self._consul.http.session.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except requests.RequestException as error:
            if isinstance(error, ValueError):  # among others JSONDecodeError
                raise nonsense(self._url, str(error)[:200]) from error
            raise gone(self._url, _root(error)) from error
        except ValueError as error:
            raise nonsense(self._url, f"{type(error).__name__}: {str(error)[:200]}") from error
        except consul.ConsulException as error:
            raise _refusal(self._url, error) from error


class _Client(consul.Consul):  # type: ignore[misc] # the package has no types
    """A client that goes where the settings say, and nowhere else."""

    def __init__(self, settings: ConsulSettings) -> None:
        super().__init__(settings.host, settings.port)
        # CONSUL_HTTP_ADDR and _TOKEN win over arguments in the packages; they have been read into the
        # settings.
        verify: bool | str = str(settings.ca_file) if settings.ca_file else True
        cert = str(settings.cert_file) if settings.cert_file else None
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.http = self.http_connect(
            host,
            settings.port,
            "https" if settings.uses_tls else "http",
            verify if settings.verify else False,
            (cert, str(settings.key_file)) if cert and settings.key_file else cert,
        )
        self.http.session.trust_env = False  # no proxy, and no password from .netrc
        self.token = settings.token.get_secret_value() if settings.token else None
        self.limit(settings.request_timeout)

    def limit(self, timeout: float) -> None:
        # python-consul2 keeps it in the HTTP client as `timeout`, py-consul as `connections_timeout`.
        name = "connections_timeout" if hasattr(self.http, "connections_timeout") else "timeout"
        setattr(self.http, name, timeout)


def _root(error: BaseException) -> BaseException:
    """The operating system's word, out of the layers of requests and urllib3."""
    reason: BaseException | None = error
    while reason is not None and not isinstance(reason, ConnectionError | TimeoutError):
        reason = reason.__cause__ or reason.__context__
    return reason or error


def _refusal(url: str, error: Exception) -> ConsulError:
    """The packages put the status into the text, or into the class."""
    if isinstance(error, consul.ACLPermissionDenied):
        return refused(url, 403, str(error))
    if isinstance(error, consul.ACLDisabled):
        return refused(url, 401, str(error))
    status, _, body = str(error).partition(" ")
    if status.isdigit():
        return refused(url, int(status), body)
    return nonsense(url, str(error)[:200])
