"""A caller that uses event loops in turn and forks: ``python -m tests.chaos.forking URL``.

It says ``fine`` if all went well on both sides of the fork.
"""

from __future__ import annotations

import asyncio
import os
import sys

from service_core import ServiceManager, StaticComponentRegistry
from tests.chaos.ledger import COMPONENT, Ledger


async def call_often(ledger: Ledger) -> None:
    await asyncio.gather(*(ledger.read_async(f"async-{number}") for number in range(20)))


def call_everywhere(ledger: Ledger) -> None:
    ledger.read("sync")
    for _ in range(2):
        asyncio.run(call_often(ledger))
    ledger.read("sync")


def main(url: str) -> None:
    with ServiceManager(StaticComponentRegistry({COMPONENT: {"dispatch-json": url}})) as manager:
        ledger = manager.get_service(Ledger)
        call_everywhere(ledger)
        child = os.fork()
        call_everywhere(ledger)  # both at once, with what both have inherited
        if child == 0:
            os._exit(0)  # an error would have ended it with 1
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) != 0:
            raise RuntimeError(f"the child ended with status {status}")
        call_everywhere(ledger)
    sys.stdout.write("fine\n")


if __name__ == "__main__":
    main(sys.argv[1])
