"""The method of an implementation as a function of the arguments that a caller gives."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from service_core.arguments import NOT_GIVEN, Arguments, without_end
from service_core.declaring.descriptors import MethodDescriptor


def taking_arguments(
    method: Callable[..., Any], descriptor: MethodDescriptor, implemented: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """The method as a function of arguments in the order of the interface's parameters, with gaps.

    An argument that is not given gets the default of the implementation, which is that of ``implemented`` if ``method``
    only stands for it. ``method`` itself if no argument can be left out or has to be passed by name.
    """
    defaults = _defaults(implemented or method, descriptor)
    if descriptor.has_keywords:
        return _with_keywords(method, descriptor, defaults)
    return _with_gaps(method, defaults) if descriptor.has_optional else method


def _with_gaps(method: Callable[..., Any], defaults: Arguments) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        for value in arguments:
            if value is NOT_GIVEN:
                return method(*_filled(arguments, defaults))
        return method(*arguments)

    return call


def _with_keywords(method: Callable[..., Any], descriptor: MethodDescriptor, defaults: Arguments) -> Callable[..., Any]:
    names = [parameter.name for parameter in descriptor.parameters if parameter.keyword_only]
    positional = len(descriptor.parameters) - len(names)

    def call(*arguments: Any) -> Any:
        by_name = zip(names, arguments[positional:], strict=False)
        keywords = {name: value for name, value in by_name if value is not NOT_GIVEN}
        return method(*_filled(without_end(arguments[:positional]), defaults), **keywords)

    return call


def _filled(arguments: Arguments, defaults: Arguments) -> Arguments:
    """Python passes no gaps by place, so they get their defaults here."""
    return tuple(default if value is NOT_GIVEN else value for value, default in zip(arguments, defaults, strict=False))


def _defaults(method: Callable[..., Any], descriptor: MethodDescriptor) -> Arguments:
    own = inspect.signature(method).parameters
    return tuple(
        own[parameter.name].default if parameter.name in own else parameter.default
        for parameter in descriptor.parameters
    )
