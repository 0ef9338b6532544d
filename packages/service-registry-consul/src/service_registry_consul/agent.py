"""The agent's side for servers: register, deregister, heartbeat.

It uses the HTTP client of python-consul2 or py-consul, which is the same in both. The ``Consul`` class that the
packages build upon it is not used: it lets CONSUL_HTTP_ADDR and CONSUL_HTTP_TOKEN win over its arguments, and
tells the status of an answer only as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests
from consul.std import HTTPClient

from service_registry_consul.errors import gone, nonsense, refused
from service_registry_consul.registering.initial_status import State
from service_registry_consul.registering.registration import Registration
from service_registry_consul.settings import ConsulSettings

__all__ = ["Agent"]


class Agent:
    """A client of the agent. For one thread: neither package promises that its client can be shared."""

    def __init__(self, settings: ConsulSettings) -> None:
        """Nothing is sent."""
        self._url = settings.address
        self._headers: dict[str, str] = {}
        if settings.token is not None:
            self._headers["X-Consul-Token"] = settings.token.get_secret_value()
        ca: Any = str(settings.ca_file) if settings.ca_file else True
        cert = str(settings.cert_file) if settings.cert_file else None
        self._http = HTTPClient(
            f"[{settings.host}]" if ":" in settings.host else settings.host,
            settings.port,
            "https" if settings.uses_tls else "http",
            ca if settings.verify else False,
            (cert, str(settings.key_file)) if cert and settings.key_file else cert,
        )
        self._http.session.trust_env = False  # no proxy, and no password from .netrc
        self.limit(settings.request_timeout)

    def services(self) -> Mapping[str, Any]:
        """What the agent knows of services that were registered with it, by id. Raises ConsulError."""
        text = self._ask(self._http.get, "/v1/agent/services")
        try:
            services = json.loads(text)
        except ValueError as error:
            raise nonsense(self._url, str(error)) from error
        if not isinstance(services, dict):
            raise nonsense(self._url, f"services are {text[:100]!r}")
        return services

    def register(self, registration: Registration, state: State) -> None:
        """Register, or register anew; ``state`` counts until the check has run. Raises ConsulError."""
        service = {
            "ID": registration.id,
            "Name": registration.component,
            "Address": registration.address,
            "Port": registration.port,
            "Tags": list(registration.tags),
            "Meta": dict(registration.meta),
            "Check": {**registration.check, "Status": state},
        }
        self._ask(self._http.put, "/v1/agent/service/register", data=json.dumps(service))

    def deregister(self, service_id: str) -> None:
        """Take a registration back. Raises ConsulError."""
        self._ask(self._http.put, f"/v1/agent/service/deregister/{service_id}")

    def heartbeat(self, registration: Registration, state: State) -> None:
        """Tell how a component with a TTL check is. Raises ConsulError, also for a check that is unknown."""
        verb = {"passing": "pass", "warning": "warn", "critical": "fail"}[state]
        self._ask(self._http.put, f"/v1/agent/check/{verb}/{registration.check_id}")

    def limit(self, timeout: float) -> None:
        """From now on wait ``timeout`` seconds for a connection, and as long for each answer."""
        # python-consul2 keeps it as `timeout`, where py-consul has a method.
        name = "connections_timeout" if hasattr(self._http, "connections_timeout") else "timeout"
        setattr(self._http, name, timeout)

    def close(self) -> None:
        """Close the connection."""
        self._http.session.close()

    def _ask(self, send: Any, path: str, **content: str) -> str:
        try:
            answer = send(lambda response: response, path, headers=self._headers, **content)
        except requests.RequestException as error:
            raise gone(self._url, _root(error)) from error
        except ValueError as error:  # a host that is none
            raise gone(self._url, error) from error
        if answer.code != 200:
            raise refused(self._url, answer.code, answer.body)
        body: str = answer.body
        return body


def _root(error: BaseException) -> BaseException:
    """The operating system's word, out of the layers of requests and urllib3."""
    reason: BaseException | None = error
    while reason is not None and (isinstance(reason, requests.RequestException) or not isinstance(reason, OSError)):
        reason = reason.__cause__ or reason.__context__
    return reason or error
