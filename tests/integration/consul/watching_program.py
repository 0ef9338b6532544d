"""A client process: ``python -m tests.integration.consul.watching_program URL COMPONENT...``.

It prints ``known`` when it knows the instances of all components, and watches them until its standard input ends.
"""

from __future__ import annotations

import sys

from service_registry_consul import ConsulComponentRegistry
from tests.support.waiting import PATIENCE


def main(url: str, *components: str) -> None:
    with ConsulComponentRegistry(0, url) as registry:
        for component in components:
            registry.snapshot(component)
        for component in components:
            registry.wait_for(component, PATIENCE)
        sys.stdout.write("known\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
