"""The wrong places in a value, as an error lists them."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final

from pydantic import ValidationError

_MOST_DETAILS: Final = 20
"""The most wrong places in an error."""


def validation_details(error: ValidationError, names: Sequence[str] = (), *, at: str = "") -> list[dict[str, Any]]:
    """The first wrong places as ``{loc, msg, type}``, without the values, which may be secret.

    ``names`` are the parameters that stand at the first level, where the schema only knows positions; ``at`` is put
    in front.
    """
    details: list[dict[str, Any]] = []
    for wrong in error.errors(include_url=False)[:_MOST_DETAILS]:
        loc: list[Any] = list(wrong["loc"])
        if loc and isinstance(loc[0], int) and 0 <= loc[0] < len(names):
            loc[0] = names[loc[0]]
        if at:
            loc.insert(0, at)
        msg = wrong["msg"]
        tags = wrong.get("ctx", {}).get("expected_tags")
        if wrong["type"] == "union_tag_invalid" and tags:  # the one message that quotes
            msg = f"Input tag does not match any of the expected tags: {tags}"
        if isinstance(wrong["input"], Coroutine):
            msg = "it is a coroutine; write 'await' before the call that returned it"
        details.append({"loc": loc, "msg": msg, "type": wrong["type"]})
    return details


def message_of(where: str, details: Sequence[dict[str, Any]], count: int) -> str:
    """The message about wrong places, of which there are ``count``: the first one."""
    more = f" (and {count - 1} more)" if count > 1 else ""
    place = ".".join(map(str, details[0]["loc"]))
    return f"{where}: {place + ': ' if place else ''}{details[0]['msg']}{more}"
