"""Methods as Python writes them, for messages."""

from __future__ import annotations

import inspect
from typing import Final

from service_core.arguments import NO_DEFAULT
from service_core.declaring.descriptors import MethodDescriptor, ParameterDescriptor

_LONGEST: Final = 300
"""Characters that are shown of a signature."""


def signature_text(method: MethodDescriptor) -> str:
    """The signature without ``self``; defaults are shown as ``...``, since they may be secret."""
    shown: list[str] = []
    for parameter in method.parameters:
        if parameter.keyword_only and "*" not in shown:
            shown.append("*")
        shown.append(_parameter(parameter, method))
    text = f"{method.name}({', '.join(shown)}) -> {_annotation(method.result, method)}"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _parameter(parameter: ParameterDescriptor, method: MethodDescriptor) -> str:
    default = "" if parameter.default is NO_DEFAULT else " = ..."
    return f"{parameter.name}: {_annotation(parameter.annotation, method)}{default}"


def _annotation(annotation: object, method: MethodDescriptor) -> str:
    if annotation is type(None):
        return "None"
    return inspect.formatannotation(annotation, method.function.__module__)
