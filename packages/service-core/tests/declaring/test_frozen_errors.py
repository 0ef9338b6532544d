"""Errors that are frozen dataclasses can be raised through context managers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest

from service_core.declaring.decorators import raises


@contextmanager
def block() -> Iterator[None]:
    yield


def frozen_error() -> Any:
    @dataclass(frozen=True, slots=True)
    class NotFound(Exception):
        number: int

    raises(NotFound)
    raises(NotFound)
    return NotFound


def test_a_frozen_error_passes_through_a_context_manager() -> None:
    cls = frozen_error()
    with pytest.raises(cls) as caught, block():
        raise cls(3)
    assert caught.value.number == 3
    assert caught.value.__traceback__ is not None


def test_its_fields_stay_frozen() -> None:
    error = frozen_error()(3)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'number'"):
        error.number = 4
