"""Hosting: the server's contract, the services of this process, token verifiers."""

from service_core.hosting.component_host import ComponentHost
from service_core.hosting.hosted_services import HostedService, implemented_interfaces
from service_core.hosting.server import WILDCARDS, ServerAddress, url_of

__all__ = ["WILDCARDS", "ComponentHost", "HostedService", "ServerAddress", "implemented_interfaces", "url_of"]
