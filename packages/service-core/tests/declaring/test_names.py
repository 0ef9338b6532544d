"""Names of declarations, and files that Python runs twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SHOP = """
from abc import abstractmethod
from service_core import Service, service

@service()
class Shop(Service):
    @abstractmethod
    def find(self, name: str) -> int: ...

if __name__ == "__main__":
    import stock
"""


def test_a_file_that_runs_under_two_names_is_reported_as_that(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "stock.py").write_text("from shop import Shop\n")
    done = subprocess.run([sys.executable, "shop.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.strip().endswith(
        "DeclarationException: service Shop: its file was imported twice, as __main__ and as shop; move the interface "
        "into a file of its own, which the started file imports"
    )
