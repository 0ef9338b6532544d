"""Arguments of a call as they are typed: ``name=value`` words, or one JSON object."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from service_cli.calling.json_schema import accepts_text, problems
from service_cli.failures import CommandFailure, ExitCode
from service_core.describing import MethodDescription, ParameterDescription

_OBJECT: Final = """write an object such as '{"name": "value"}'"""


def read_arguments(words: Sequence[str], method: MethodDescription) -> dict[str, Any]:
    """The arguments by name, checked by the description. Raises CommandFailure with every problem.

    A single word that begins with ``{`` is a JSON object of all arguments; ``-`` reads it from standard input and
    ``@FILE`` from a file. In ``name=value`` a value is JSON, or a text where the type admits one.
    """
    parameters = {parameter.name: parameter for parameter in method.parameters}
    given = _object(words[0]) if len(words) == 1 and words[0][:1] in "{-@" else _words(words, parameters)
    wrong = [_unknown(name, parameters) for name in given if name not in parameters]
    wrong += [
        f"parameter '{name}' is missing: {name}: {parameter.value.type}"
        for name, parameter in parameters.items()
        if parameter.required and name not in given
    ]
    for name, value in given.items():
        if name in parameters:
            wrong += _wrong_values(name, value, parameters[name])
    if wrong:
        raise CommandFailure("; ".join(wrong), remedy=f"the method is {method.signature}", code=ExitCode.USAGE)
    return given


def _wrong_values(name: str, value: Any, parameter: ParameterDescription) -> list[str]:
    schema = parameter.value.schema
    if not parameter.value.stream:
        return list(problems(value, schema, schema, name))
    if not isinstance(value, list):
        return [f"{name}: a stream is given as an array of its items"]
    return [
        problem for index, item in enumerate(value) for problem in problems(item, schema, schema, f"{name}.{index}")
    ]


def _object(word: str) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if word == "-" else Path(word[1:]).read_text("utf-8") if word[0] == "@" else word
        given = json.loads(text, parse_constant=_refuse_constant)
    except (OSError, ValueError) as error:
        raise CommandFailure(f"the arguments are no JSON: {error}", remedy=_OBJECT, code=ExitCode.USAGE) from None
    if not isinstance(given, dict):
        raise CommandFailure("the arguments are no JSON object", remedy=_OBJECT, code=ExitCode.USAGE)
    return given


def _words(words: Sequence[str], parameters: dict[str, ParameterDescription]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for word in words:
        name, equals, text = word.partition("=")
        if not equals:
            raise CommandFailure(
                f"{word!r} is not an argument",
                remedy=f"write NAME=VALUE, for example {_example(parameters)}",
                code=ExitCode.USAGE,
            )
        if name in given:
            raise CommandFailure(f"parameter '{name}' is given twice", code=ExitCode.USAGE)
        given[name] = _value(text, parameters[name]) if name in parameters else text
    return given


def _value(text: str, parameter: ParameterDescription) -> Any:
    schema = parameter.value.schema
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        return text  # the validation fails if text is not accepted
    fits = not list(problems(value, schema, schema))
    return value if fits or not accepts_text(schema, schema) else text


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _unknown(name: str, parameters: dict[str, ParameterDescription]) -> str:
    close = difflib.get_close_matches(name, parameters, n=1)
    return f"there is no parameter '{name}'" + (f"; similar: '{close[0]}'" if close else "")


def _example(parameters: dict[str, ParameterDescription]) -> str:
    return f"{next(iter(parameters), 'name')}=value"
