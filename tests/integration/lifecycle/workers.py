"""The work under an ASGI server with several workers, as ``uvicorn tests.integration.lifecycle.workers:app``."""

from __future__ import annotations

from service_server_fastapi import FastAPIServer
from tests.integration.lifecycle.work import WorkModule

__all__ = ["app"]

app = FastAPIServer().asgi(WorkModule)
