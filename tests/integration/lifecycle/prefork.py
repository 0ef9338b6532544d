"""Workers that are forked after their parent has used the client, as those of celery are.

``python -m tests.integration.lifecycle.prefork WORKERS`` calls once and forks. Each worker calls until the parent ends,
and writes a line for each answer of another server than before, and for each failure. A worker that ends is replaced.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from service_core import ServiceException, ServiceManager
from service_registry_consul import ConsulComponentRegistry
from tests.integration.lifecycle.work import WorkService


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def call_for_ever(work: WorkService, parent: int) -> None:
    answered = 0
    while os.getppid() == parent:
        try:
            now = asyncio.run(work.work(0.0))
        except ServiceException as error:
            say(f"failed {type(error).__name__}")
        else:
            if now != answered:
                answered = now
                say(f"worker {os.getpid()} server {now}")
        time.sleep(0.05)


def main(workers: int) -> None:
    with ServiceManager(ConsulComponentRegistry(0)) as manager:
        manager.wait_for(WorkService, 60)
        work = manager.get_service(WorkService, "dispatch-json")
        say(f"parent server {asyncio.run(work.work(0.0))}")
        parent, children = os.getpid(), set[int]()
        while True:
            while len(children) < workers:
                child = os.fork()
                if child == 0:
                    signal.signal(signal.SIGTERM, signal.SIG_DFL)
                    call_for_ever(work, parent)
                    os._exit(0)
                children.add(child)
            ended, _ = os.wait()
            children.discard(ended)


if __name__ == "__main__":
    main(int(sys.argv[1]))
