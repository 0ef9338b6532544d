"""JSON-like values as a tree."""

from __future__ import annotations

import json
from typing import Any

from rich.console import RenderableType
from rich.text import Text
from rich.tree import Tree


def value_view(value: Any) -> RenderableType:
    """A scalar on one line; an object or an array as a tree."""
    if not _has_parts(value):
        return _scalar(value)
    tree = Tree("", hide_root=True)
    _add(tree, value)
    return tree


def _add(tree: Tree, value: Any) -> None:
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for name, part in parts:
        label = Text(str(name), style="cyan")
        if _has_parts(part):
            _add(tree.add(label), part)
        else:
            tree.add(Text.assemble(label, "  ", _scalar(part)))


def _has_parts(value: Any) -> bool:
    return isinstance(value, dict | list) and bool(value)


def _scalar(value: Any) -> Text:
    text = value if isinstance(value, str) else json.dumps(value)
    return Text(text, style="" if isinstance(value, str) else "green")
