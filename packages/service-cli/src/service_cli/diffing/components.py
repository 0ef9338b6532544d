"""Components, services and methods that come and go; what stays is compared method by method."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service_cli.diffing.methods import method_changes
from service_cli.diffing.verdicts import Callers, Change, Effect, Verdict, effect
from service_core.describing import ComponentDescription, Description, MethodDescription, ServiceDescription


def compare(old: Description, new: Description) -> list[Change]:
    """All changes between two versions, in the order of the new description; those that break come first."""
    before = {component.name: component for component in old.components}
    after = {component.name: component for component in new.components}
    changes = [
        *_come_and_gone("component", "", before.keys(), after.keys()),
        *(change for name in after if name in before for change in _component(before[name], after[name])),
    ]
    return sorted(changes, key=lambda change: not change.breaks)


def _component(old: ComponentDescription, new: ComponentDescription) -> Iterator[Change]:
    before = {service.name: service for service in old.services}
    after = {service.name: service for service in new.services}
    yield from _come_and_gone("service", old.name, before.keys(), after.keys())
    yield from _channels(old, new)
    for name, service in after.items():
        if name in before:
            yield from _service(before[name], service)


def _channels(old: ComponentDescription, new: ComponentDescription) -> Iterator[Change]:
    before, after = ({channel.name: None for channel in one.channels} for one in (old, new))
    if not before or not after:
        return  # one of them is described by its code, which offers nothing yet
    for name in before.keys() - after.keys():
        left = before.keys() & after.keys()
        if left:
            fine = f"callers that prefer '{name}' use {', '.join(left)} until it is offered again"
            one = effect(Callers.OLD, Verdict.WORKS, fine)
        else:
            one = effect(Callers.OLD, Verdict.REFUSED, "no channel is left that both versions have")
        yield Change(kind="channel-removed", where=old.name, subject=name, effects=(one,))
    for name in after.keys() - before.keys():
        works = effect(Callers.NEW, Verdict.WORKS, "callers that prefer it use another one at old servers")
        yield Change(kind="channel-added", where=old.name, subject=name, effects=(works,))


def _service(old: ServiceDescription, new: ServiceDescription) -> Iterator[Change]:
    before = {method.name: method for method in old.methods}
    after = {method.name: method for method in new.methods}
    for change in _come_and_gone("method", old.name, before.keys(), after.keys()):
        yield _with_new_name(change, before, after)
    for name, method in after.items():
        if name in before:
            yield from method_changes(before[name], method, f"{old.name}.{name}")


def _come_and_gone(what: str, inside: str, before: Iterable[str], after: Iterable[str]) -> Iterator[Change]:
    old, new = list(before), list(after)
    for name in new:
        if name not in old:
            sentence = f"old servers do not have {what} '{name}'; instances that have it are called instead"
            one = effect(Callers.NEW, Verdict.REFUSED, sentence, breaks=False)
            yield Change(kind=f"{what}-added", where=f"{inside}.{name}" if inside else name, effects=(one,))
    for name in old:
        if name not in new:
            one = effect(Callers.OLD, Verdict.REFUSED, f"new servers do not have {what} '{name}'")
            yield Change(kind=f"{what}-removed", where=f"{inside}.{name}" if inside else name, effects=(one,))


def _with_new_name(change: Change, before: dict[str, MethodDescription], after: dict[str, MethodDescription]) -> Change:
    """A removal, with a hint if another method has the same signature."""
    name = change.where.rpartition(".")[2]
    if change.kind != "method-removed":
        return change
    gone = before[name]
    same = [one.name for one in after.values() if one.name not in before and _shape(one) == _shape(gone)]
    if len(same) != 1:
        return change
    effects: tuple[Effect, ...] = (
        effect(
            Callers.OLD, Verdict.REFUSED, f"new servers do not have method '{name}'; it looks renamed to '{same[0]}'"
        ),
    )
    return Change(kind=change.kind, where=change.where, effects=effects)


def _shape(method: MethodDescription) -> tuple[object, ...]:
    return method.parameters, method.result
