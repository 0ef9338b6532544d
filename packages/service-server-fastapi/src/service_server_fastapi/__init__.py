"""Serves service-core components over HTTP with FastAPI and uvicorn."""

from service_server_fastapi.implementation_server import serve
from service_server_fastapi.requests.peer import PeerCredentials
from service_server_fastapi.requests.request_context import RequestContext
from service_server_fastapi.server import FastAPIServer
from service_server_fastapi.settings import ServerSettings

__all__ = ["FastAPIServer", "PeerCredentials", "RequestContext", "ServerSettings", "serve"]
