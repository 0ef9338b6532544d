"""Types as text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, Optional, TypeVar

import pytest
from pydantic import BaseModel, Field

from service_core.describing.type_names import type_name

T = TypeVar("T")


class Page(BaseModel, Generic[T]):
    items: list[T]


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "int"),
        (None, "None"),
        (type(None), "None"),
        (Any, "Any"),
        (datetime, "datetime"),
        (list[int], "list[int]"),
        (dict[str, list[datetime]], "dict[str, list[datetime]]"),
        (tuple[int, ...], "tuple[int, ...]"),
        (int | None, "int | None"),
        (Optional[str], "str | None"),  # noqa: UP045 - the other way to write it
        (Literal["a", 1], "Literal['a', 1]"),
        (Annotated[int, Field(ge=1)], "int"),
        (Callable[[int], str], "Callable[[int], str]"),
        (Page[int], "Page[int]"),
        (AsyncIterator[int], "AsyncIterator[int]"),
    ],
)
def test_a_type_is_written_without_modules(annotation: Any, text: str) -> None:
    assert type_name(annotation) == text
