"""The safe as a program: ``python -m tests.integration.tls.program``, or its application under uvicorn.

Everything that can be set comes from the environment.
"""

from __future__ import annotations

from fastapi import FastAPI

from service_server_fastapi import FastAPIServer
from tests.integration.tls.safe import SafeModule


def make_app() -> FastAPI:
    """For an ASGI server."""
    return FastAPIServer().asgi(SafeModule)


if __name__ == "__main__":
    FastAPIServer().run(SafeModule)
