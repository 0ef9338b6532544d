"""A server process: ``python -m tests.chaos.program PORT JOURNAL SETTINGS``, with settings as JSON.

It says ``ready`` when it answers, and stops in an orderly way at SIGTERM. It registers with the Consul at
``$SERVICE_CONSUL_URL``, if there is one.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from service_core import ComponentRegistry, LocalComponentRegistry, Server
from service_core.di import create, module
from service_registry_consul import ConsulComponentRegistry
from service_server_fastapi import FastAPIServer
from service_server_fastapi.settings import ServerSettings
from tests.chaos.ledger import Journal, LedgerComponentImpl, LedgerImpl


@module()
class LedgerModule:
    @create()
    def create_registry(self) -> ComponentRegistry:
        if "SERVICE_CONSUL_URL" in os.environ:
            return ConsulComponentRegistry(Server.port)
        return LocalComponentRegistry()

    @create()
    def create_journal(self) -> Journal:
        return Journal(Path(sys.argv[2]))

    @create()
    def create_ledger(self, journal: Journal) -> LedgerImpl:
        return LedgerImpl(journal)

    @create()
    def create_component(self, journal: Journal) -> LedgerComponentImpl:
        return LedgerComponentImpl(journal)


def main() -> None:
    settings = ServerSettings(host="127.0.0.1", port=int(sys.argv[1]), **json.loads(sys.argv[3]))
    server = FastAPIServer(settings=settings)
    server.boot(LedgerModule)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    server.wait()


if __name__ == "__main__":
    main()
