"""Programs that carry the packages without their metadata: a channel is found since its package was imported.

They run in an environment of their own, since PyInstaller analyses what is installed: with the libraries of other tests
that takes many minutes.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import zipapp
from collections.abc import Sequence
from pathlib import Path

PROGRAM = """
from abc import abstractmethod

import service_channels_http
from service_core import Service, implementation, service
from service_server_fastapi import serve


@service()
class Orders(Service):
    @abstractmethod
    def take(self, item: str) -> str: ...


@implementation()
class OrdersImpl(Orders):
    def take(self, item: str) -> str:
        return f"one {item}"


if __name__ == "__main__":
    with serve(OrdersImpl(), port=0) as server, service_channels_http.connect(Orders, server.url) as orders:
        print(orders.take("pen"))
"""
PACKAGES = ("service_core", "service_channels_http", "service_health", "service_server_fastapi")


def source(package: str) -> Path:
    """The folder in which a package is."""
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def output(command: Sequence[str | Path], **variables: str) -> str:
    """What a program prints. Fails with its errors."""
    environment = {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **variables}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, env=environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_program_of_pyinstaller_serves_and_calls(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(PROGRAM, encoding="utf-8")
    folders: list[str | Path] = [
        "--distpath",
        tmp_path / "dist",
        "--workpath",
        tmp_path / "build",
        "--specpath",
        tmp_path,
    ]
    options = ["--onedir", "--noconfirm", "--log-level", "ERROR", "--exclude-module", "tkinter"]
    output([sys.executable, "-m", "PyInstaller", *options, *folders, tmp_path / "orders.py"])
    bundle = tmp_path / "dist" / "orders"
    assert not list(bundle.rglob("service_channels_http*-info"))
    assert output([bundle / "orders"]) == "one pen\n"


def test_a_zipapp_beside_its_libraries_serves_and_calls(tmp_path: Path) -> None:
    bundle, others = tmp_path / "bundle", tmp_path / "others"
    bundle.mkdir()
    others.mkdir()
    (bundle / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    for package in PACKAGES:
        shutil.copytree(source(package), bundle / package, ignore=shutil.ignore_patterns("__pycache__"))
    zipapp.create_archive(bundle, tmp_path / "orders.pyz")
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for path in Path(place).iterdir():  # all libraries, but nothing of these packages
            if not path.name.startswith(("service_", "__editable__")) and path.suffix != ".pth":
                (others / path.name).symlink_to(path)
    assert output([sys.executable, "-S", tmp_path / "orders.pyz"], PYTHONPATH=str(others)) == "one pen\n"
