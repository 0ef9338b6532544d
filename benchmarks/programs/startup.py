"""What starting costs: imports, and a server with a hundred services. Each figure is that of a fresh process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from benchmarks.programs.orders import take_orders

_IMPORT: Final = """
import time
begin = time.perf_counter()
import service_core
print((time.perf_counter() - begin) * 1000)
"""

_PROGRAMS: Final = {
    "import service_core": ["-c", _IMPORT],
    "boot": [str(Path(__file__).with_name("boot_hundred.py"))],
}


def carry_out(order: dict[str, Any]) -> dict[str, float]:
    """Milliseconds, as the fresh process has measured them itself."""
    done = subprocess.run([sys.executable, *_PROGRAMS[order["case"]]], check=True, capture_output=True, text=True)
    return {"value": float(done.stdout)}


if __name__ == "__main__":
    take_orders(carry_out)
