"""The page on structure names files that exist."""

from __future__ import annotations

import re

import pytest

from tests.architecture.sizes import ROOT

PAGE = ROOT / "docs" / "explanation" / "structure.md"
NAMED = sorted(set(re.findall(r"`(service_[a-z_]+/[a-z0-9_/]+(?:\.py|/))`", PAGE.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", NAMED)
def test_a_file_of_the_page_exists(path: str) -> None:
    assert list(ROOT.glob(f"packages/*/src/{path}")) != []


def test_the_page_names_the_packages_of_a_call() -> None:
    assert {path.partition("/")[0] for path in NAMED} >= {
        "service_core",
        "service_channels_http",
        "service_server_fastapi",
    }
