"""The ledger under an ASGI server with several workers; ``$CHAOS_JOURNAL`` is the file of its journal."""

from __future__ import annotations

import os
from pathlib import Path

from service_core import ComponentRegistry, Server
from service_core.di import create, module
from service_registry_consul import ConsulComponentRegistry
from service_server_fastapi import FastAPIServer
from tests.chaos.ledger import Journal, LedgerComponentImpl, LedgerImpl

__all__ = ["app"]


@module()
class WorkersModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return ConsulComponentRegistry(Server.port)

    @create()
    def create_journal(self) -> Journal:
        return Journal(Path(os.environ["CHAOS_JOURNAL"]))

    @create()
    def create_ledger(self, journal: Journal) -> LedgerImpl:
        return LedgerImpl(journal)

    @create()
    def create_component(self, journal: Journal) -> LedgerComponentImpl:
        return LedgerComponentImpl(journal)


app = FastAPIServer().asgi(WorkersModule)
