"""Serves service-core components over HTTP with FastAPI and uvicorn."""

from service_server_fastapi.http1.peer import PeerCredentials
from service_server_fastapi.request_context import RequestContext
from service_server_fastapi.server import FastAPIServer
from service_server_fastapi.serving import serve
from service_server_fastapi.settings import ServerSettings

__all__ = ["FastAPIServer", "PeerCredentials", "RequestContext", "ServerSettings", "serve"]
