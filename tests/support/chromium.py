"""A headless Chromium that opens pages: ``$CHROMIUM_BIN``, else ``chromium`` on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["chromium_binary", "open_page"]

# What Chromium would contact by itself is switched off; the sandbox needs rights that a container may lack.
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_binary() -> Path:
    """The path of a Chromium. Raises RuntimeError that says how to install one."""
    found = os.environ.get("CHROMIUM_BIN") or shutil.which("chromium")
    if not found:
        raise RuntimeError("there is no Chromium; install Debian's package 'chromium', or set CHROMIUM_BIN to its path")
    return Path(found)


@contextmanager
def open_page(url: str, *, hosts: Mapping[str, str]) -> Iterator[None]:
    """Show a page until the block ends. Names in ``hosts`` lead to the given addresses."""
    rules = ",".join(f"MAP {name} {address}" for name, address in hosts.items())
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = subprocess.Popen(
            [
                *(str(chromium_binary()), *_FLAGS),
                *(f"--user-data-dir={profile}", "--remote-debugging-port=0", f"--host-resolver-rules={rules}", url),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            browser.terminate()
            browser.wait(20)
