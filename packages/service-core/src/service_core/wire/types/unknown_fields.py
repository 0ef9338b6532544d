"""Fields that an object has and its class does not declare: refused together, instead of one error for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

UNKNOWN_FIELD: Final = "unknown_field"
"""The type of the error for a field of another version of the interface."""
_MAX_NAMES: Final = 20


def refusing_fields(schema: Mapping[str, Any], *, of_caller: bool) -> dict[str, Any]:
    """A schema of fields, which lets in those that are not declared, and a function around it that refuses them.

    pydantic's own check makes an error for each. With ``of_caller`` the context of validation has the defaults of the
    caller's fields, and a field with its default is ignored.
    """
    known, kind = frozenset(_names(schema["fields"])), schema["type"]
    owner = _owner(schema)

    def refuse(validated: Any, info: Any) -> Any:
        extras = _extras(kind, validated, known)
        if not extras:
            return _without(kind, validated, extras)
        defaults = info.context.defaults.get(owner, {}) if of_caller else {}
        wrong = [name for name, value in extras.items() if not _is_default(defaults, name, value)]
        if wrong:
            error = _UNKNOWN if of_caller else "extra_forbidden"
            details = [InitErrorDetails(type=error, loc=(name,), input=None) for name in wrong[:_MAX_NAMES]]
            raise ValidationError.from_exception_data("", details)
        return _without(kind, validated, extras)

    inner = {**schema, "extra_behavior": "allow"}
    reference = {"ref": inner.pop("ref")} if "ref" in inner else {}
    function = {"type": "with-info", "function": refuse}
    return {"type": "function-after", "function": function, "schema": inner, **reference}


_UNKNOWN: Final = PydanticCustomError(UNKNOWN_FIELD, "The field has a value and is not known here")


def _is_default(defaults: Mapping[str, Any], name: str, value: Any) -> bool:
    if name not in defaults or type(defaults[name]) is not type(value) or defaults[name] != value:
        return False  # found soon, however long the default is
    return repr(defaults[name]) == repr(value)  # of one type all the way down


def _names(fields: Any) -> Iterable[str]:
    return fields if isinstance(fields, dict) else [str(field["name"]) for field in fields]


def _owner(schema: Mapping[str, Any]) -> str:
    cls = schema.get("cls")
    if isinstance(cls, type):
        return cls.__name__
    return str(next((schema[key] for key in ("model_name", "dataclass_name", "cls_name") if key in schema), ""))


def _extras(kind: str, validated: Any, known: frozenset[str]) -> Mapping[str, Any]:
    if kind == "model-fields":
        return validated[1] or {}
    values = validated[0] if kind == "dataclass-args" else validated
    return {name: value for name, value in values.items() if name not in known}


def _without(kind: str, validated: Any, extras: Mapping[str, Any]) -> Any:
    """What was validated, as if the fields had not been there."""
    if kind == "model-fields":
        return validated[0], None, validated[2] - extras.keys()
    values = validated[0] if kind == "dataclass-args" else validated
    for name in extras:
        del values[name]
    return validated
