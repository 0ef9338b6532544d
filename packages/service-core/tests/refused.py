"""The message of a declaration that is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service_core.errors import DeclarationException


def message(declare: Callable[[], object]) -> str:
    """What a declaration is refused with."""
    with pytest.raises(DeclarationException) as caught:
        declare()
    return str(caught.value)
