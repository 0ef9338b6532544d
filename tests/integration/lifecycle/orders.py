"""The package of the recipes: ``python -m orders`` beside this file."""

from __future__ import annotations

from service_server_fastapi import FastAPIServer
from tests.integration.lifecycle.work import WorkModule

if __name__ == "__main__":
    FastAPIServer().run(WorkModule)
