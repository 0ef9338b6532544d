# mypy: ignore-errors
# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
"""Pyro5's server, with msgpack: it validates nothing."""

from __future__ import annotations

import sys
import threading

import Pyro5.api

Pyro5.config.SERIALIZER = "msgpack"


@Pyro5.api.expose
class Benchmark:
    """Answers with what it gets."""

    def hello(self, message):
        return f"hello {message}"

    def model(self, data):
        return data


def main() -> None:
    """Serve until standard input ends."""
    daemon = Pyro5.api.Daemon(host="127.0.0.1", port=int(sys.argv[1]))
    daemon.register(Benchmark(), "benchmark")
    threading.Thread(target=daemon.requestLoop, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
