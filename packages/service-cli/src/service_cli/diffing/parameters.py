"""Parameters: added, removed, renamed, moved, with and without defaults, of other types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from service_cli.diffing.schemas import Fault, Mismatch, mismatches
from service_cli.diffing.verdicts import Callers, Change, Effect, Verdict, effect
from service_core.describing import MethodDescription, ParameterDescription

Parameters = Mapping[str, ParameterDescription]


def parameter_changes(old: MethodDescription, new: MethodDescription, where: str) -> Iterator[Change]:
    """The changes between the parameters of two versions of a method."""
    before, after = _by_name(old), _by_name(new)
    renamed = dict(_renamed(before, after))
    for was, name in renamed.items():
        yield _rename(before[was], after[name], where)
    for name, parameter in after.items():
        if name not in before and name not in renamed.values():
            yield _addition(parameter, where)
    for name, parameter in before.items():
        if name not in after and name not in renamed:
            yield _removal(parameter, where)
    for name in before.keys() & after.keys():
        yield from _same_name(before[name], after[name], where)
    common = [name for name in before if name in after]
    if common != [name for name in after if name in before]:
        sentence = "arguments travel with their names, so their order does not matter"
        works = tuple(effect(callers, Verdict.WORKS, sentence) for callers in Callers)
        yield Change(kind="parameters-reordered", where=where, effects=works)


def _by_name(method: MethodDescription) -> dict[str, ParameterDescription]:
    return {parameter.name: parameter for parameter in method.parameters}


def _renamed(before: Parameters, after: Parameters) -> Iterator[tuple[str, str]]:
    """Parameters of one type that stand in the same place under another name."""
    for (was, old), (name, new) in zip(before.items(), after.items(), strict=False):
        if was not in after and name not in before and old.value.schema == new.value.schema:
            yield was, name


def _rename(old: ParameterDescription, new: ParameterDescription, where: str) -> Change:
    def one(callers: Callers, given: ParameterDescription, known: ParameterDescription) -> Effect:
        always = given.required or known.required
        when = "send" if always else "that give it send"
        sentence = f"{callers.value} {when} '{given.name}', which the servers know as '{known.name}'"
        return effect(callers, Verdict.REFUSED, sentence, breaks=True)

    effects = (one(Callers.OLD, old, new), one(Callers.NEW, new, old))
    return Change(kind="parameter-renamed", where=where, subject=old.name, effects=effects)


def _addition(parameter: ParameterDescription, where: str) -> Change:
    name = parameter.name
    if parameter.required:
        old = effect(Callers.OLD, Verdict.REFUSED, f"new servers need '{name}', which old callers do not give")
    else:
        old = effect(Callers.OLD, Verdict.WORKS, f"new servers take the default of '{name}'")
    effects = (old, _unknown(Callers.NEW, parameter, breaks=parameter.required))
    kind = "required-parameter-added" if parameter.required else "optional-parameter-added"
    return Change(kind=kind, where=where, subject=name, effects=effects)


def _removal(parameter: ParameterDescription, where: str) -> Change:
    name = parameter.name
    if parameter.required:
        new = effect(Callers.NEW, Verdict.REFUSED, f"old servers need '{name}', which new callers do not give")
    else:
        new = effect(Callers.NEW, Verdict.WORKS, f"old servers take the default of '{name}'")
    effects = (_unknown(Callers.OLD, parameter, breaks=True), new)
    kind = "required-parameter-removed" if parameter.required else "optional-parameter-removed"
    return Change(kind=kind, where=where, subject=name, effects=effects)


def _unknown(callers: Callers, parameter: ParameterDescription, *, breaks: bool) -> Effect:
    """A parameter that servers of the other version do not know."""
    caller = callers.value if parameter.required else f"{callers.value} that give '{parameter.name}'"
    sentence = f"{caller} are refused: the servers do not know '{parameter.name}'"
    return effect(callers, Verdict.REFUSED, sentence, breaks=breaks)


def _same_name(old: ParameterDescription, new: ParameterDescription, where: str) -> Iterator[Change]:
    if old.value.stream != new.value.stream:
        yield _everywhere("parameter-stream-changed", where, old.name, "one side streams it, the other does not")
        return
    if old.required and not new.required:
        yield _optional(old.name, where, Callers.NEW, "parameter-made-optional", "old servers")
    if new.required and not old.required:
        yield _optional(old.name, where, Callers.OLD, "parameter-made-required", "new servers")
    if not old.required and not new.required and old.default != new.default:
        sentence = f"the server's default counts: {old.default!r} before, {new.default!r} now"
        works = tuple(effect(callers, Verdict.WORKS, sentence) for callers in Callers)
        yield Change(kind="default-changed", where=where, subject=old.name, effects=works)
    effects = [
        *_typed(Callers.OLD, mismatches(old.value.schema, new.value.schema), old.name),
        *_typed(Callers.NEW, mismatches(new.value.schema, old.value.schema), old.name),
    ]
    if effects:
        yield Change(kind="parameter-type-changed", where=where, subject=old.name, effects=tuple(effects))


def _optional(name: str, where: str, callers: Callers, kind: str, servers: str) -> Change:
    other = Callers.OLD if callers is Callers.NEW else Callers.NEW
    refused = effect(
        callers,
        Verdict.REFUSED,
        f"{callers.value} that do not give '{name}' are refused: {servers} need it",
        breaks=callers is Callers.OLD,
    )
    works = effect(other, Verdict.WORKS, f"{other.value} give '{name}'")
    return Change(kind=kind, where=where, subject=name, effects=(refused, works))


def _typed(callers: Callers, found: list[Mismatch], name: str) -> Iterator[Effect]:
    for one in found:
        place = f"'{name}.{one.path}'" if one.path and not one.path.startswith("[") else f"'{name}{one.path}'"
        # What only new callers can write uses what is new, unless nothing that they write is read.
        breaks = callers is Callers.OLD or one.fault in (Fault.REFUSED, Fault.UNKNOWN)
        text = "only its default is ignored by the servers" if one.fault is Fault.SOME_UNKNOWN else one.text
        yield effect(callers, Verdict.REFUSED, f"{place}: {text} ({callers.value})", breaks=breaks)


def _everywhere(kind: str, where: str, subject: str, sentence: str) -> Change:
    effects = tuple(effect(callers, Verdict.REFUSED, f"'{subject}': {sentence}") for callers in Callers)
    return Change(kind=kind, where=where, subject=subject, effects=effects)
