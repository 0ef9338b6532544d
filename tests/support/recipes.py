"""The recipes of a document: its fenced blocks, by language."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["recipe"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "how-to" / "deploy.md"


def recipe(language: str, title: str = "") -> str:
    """The one block in that language, with that title if there are several."""
    header = re.escape(language) + (rf' title="{re.escape(title)}"' if title else "")
    [block] = re.findall(rf"^```{header}\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(block)
