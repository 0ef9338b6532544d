"""The base of settings that code or the environment gives."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict
from pydantic.fields import FieldInfo

from service_core.process.variables import is_service_link

__all__ = ["EnvironmentSettings"]


class EnvironmentSettings(BaseModel):
    """Values that are not given in code are read from the environment variables ``<prefix><NAME>``, in any case.

    The aliases of a field are the names of its variables instead. Empty variables count as not set, and so does the
    address that a cluster writes into ``<prefix>PORT`` for a Service of that name. A field whose type does not take a
    text needs a validator for it. Raises ``pydantic.ValidationError`` (a ValueError), without the values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    prefix: ClassVar[str]
    """What the names of the variables begin with, in capital letters."""

    def __init__(self, **given: Any) -> None:
        variables = {name.upper(): text for name, text in os.environ.items() if text}
        super().__init__(**{**self._from(variables, given), **given})

    @classmethod
    def _from(cls, variables: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
        """The texts of the fields that are not given. Those of aliases and names are the same to pydantic."""
        found: dict[str, str] = {}
        for name, field in cls.model_fields.items():
            names = list(_names_of(cls.prefix, name, field))
            if name in given or any(each in given for each in names):
                continue
            text = next((variables[each] for each in names if each in variables), None)
            if text is not None and not (name == "port" and is_service_link(text)):
                found[name] = text
        return found


def _names_of(prefix: str, name: str, field: FieldInfo) -> Iterable[str]:
    if isinstance(field.validation_alias, AliasChoices):
        return (str(choice) for choice in field.validation_alias.choices)
    return (f"{prefix}{name}".upper(),)
