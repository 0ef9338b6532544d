"""Methods: results, errors, promises and routes of two versions."""

from __future__ import annotations

from collections.abc import Iterator

from service_cli.diffing.parameters import parameter_changes
from service_cli.diffing.schemas import UNKNOWN_FIELDS, Mismatch, mismatches
from service_cli.diffing.verdicts import DISPATCH, REST, Callers, Change, Effect, Verdict, effect
from service_core.describing import ErrorDescription, MethodDescription


def method_changes(old: MethodDescription, new: MethodDescription, where: str) -> Iterator[Change]:
    """The changes between two versions of a method."""
    yield from parameter_changes(old, new, where)
    yield from _result(old, new, where)
    yield from _errors(old, new, where)
    yield from _promises(old, new, where)
    yield from _route(old, new, where)


def _result(old: MethodDescription, new: MethodDescription, where: str) -> Iterator[Change]:
    if old.result.stream != new.result.stream:
        sentence = "one side streams the result, the other does not"
        effects = [effect(callers, Verdict.UNREADABLE, sentence) for callers in Callers]
        yield Change(kind="result-stream-changed", where=where, effects=tuple(effects))
        return
    found = [
        *_unread(Callers.OLD, mismatches(new.result.schema, old.result.schema)),
        *_unread(Callers.NEW, mismatches(old.result.schema, new.result.schema)),
    ]
    if found:
        yield Change(kind="result-type-changed", where=where, effects=tuple(found))


def _unread(callers: Callers, found: list[Mismatch]) -> Iterator[Effect]:
    for one in found:
        place = f"result.{one.path}" if one.path and not one.path.startswith("[") else f"result{one.path}"
        if one.fault in UNKNOWN_FIELDS:
            yield effect(callers, Verdict.WORKS, f"{place}: {callers.value} do not see it")
        else:
            yield effect(callers, Verdict.UNREADABLE, f"{place}: {one.text} ({callers.value})")


def _errors(old: MethodDescription, new: MethodDescription, where: str) -> Iterator[Change]:
    before, after = ({error.name: error for error in method.errors} for method in (old, new))
    for name in after.keys() - before.keys():
        yield _undeclared(name, where, "error-added", Callers.OLD, "do not declare it")
    for name in before.keys() - after.keys():
        yield _undeclared(name, where, "error-removed", Callers.NEW, "no longer declare it")
    for name in before.keys() & after.keys():
        yield from _same_error(before[name], after[name], where)


def _undeclared(name: str, where: str, kind: str, callers: Callers, why: str) -> Change:
    sentence = f"{name} arrives at {callers.value} as RemoteServiceException, since they {why}"
    one = effect(callers, Verdict.OTHER_ERROR, sentence, breaks=False)
    return Change(kind=kind, where=where, subject=name, effects=(one,))


def _same_error(old: ErrorDescription, new: ErrorDescription, where: str) -> Iterator[Change]:
    effects = []
    for callers, writer, reader in ((Callers.OLD, new, old), (Callers.NEW, old, new)):
        for one in mismatches(writer.schema, reader.schema):
            if one.fault not in UNKNOWN_FIELDS:
                sentence = f"{old.name}.{one.path}: {one.text}, so it arrives as RemoteServiceException"
                effects.append(effect(callers, Verdict.OTHER_ERROR, sentence))
    if effects:
        yield Change(kind="error-fields-changed", where=where, subject=old.name, effects=tuple(effects))
    if old.code != new.code:
        sentence = f"its code is {new.code}, and was {old.code}; the class stays the same"
        works = tuple(effect(callers, Verdict.WORKS, sentence) for callers in Callers)
        yield Change(kind="error-code-changed", where=where, subject=old.name, effects=works)


def _promises(old: MethodDescription, new: MethodDescription, where: str) -> Iterator[Change]:
    if old.idempotent and not new.idempotent:
        sentence = "old callers repeat it after a lost answer, which is no longer declared harmless"
        yield Change(
            kind="idempotence-removed", where=where, effects=(effect(Callers.OLD, Verdict.MAY_REPEAT, sentence),)
        )
    if new.idempotent and not old.idempotent:
        sentence = "new callers repeat it after a lost answer, also at old servers"
        repeats = effect(Callers.NEW, Verdict.MAY_REPEAT, sentence, breaks=False)
        yield Change(kind="idempotence-added", where=where, effects=(repeats,))
    if old.anonymous and not new.anonymous:
        sentence = "callers without a token are refused, where the server has a verifier"
        yield Change(kind="token-required", where=where, effects=(effect(Callers.OLD, Verdict.REFUSED, sentence),))
    if old.is_async != new.is_async:
        works = tuple(effect(callers, Verdict.WORKS, "the wire is the same") for callers in Callers)
        yield Change(kind="sync-async-changed", where=where, effects=works)


def _route(old: MethodDescription, new: MethodDescription, where: str) -> Iterator[Change]:
    before, after = old.route, new.route
    if before == after:
        return
    fine = tuple(effect(callers, Verdict.WORKS, "dispatch has no routes", channels=(DISPATCH,)) for callers in Callers)
    if before is None and after is not None:
        sentence = "old servers have no route for it"
        gone = effect(Callers.NEW, Verdict.REFUSED, sentence, breaks=False, channels=(REST,))
        yield Change(kind="route-added", where=where, effects=(gone, *fine))
    elif before is not None and after is None:
        sentence = f"{before.verb} {before.path} is gone"
        gone = effect(Callers.OLD, Verdict.REFUSED, sentence, channels=(REST,))
        yield Change(kind="route-removed", where=where, effects=(gone, *fine))
    elif before is not None and after is not None:
        moved = (before.verb, before.path) != (after.verb, after.path)
        common = before.places.keys() & after.places.keys()
        placed = any(
            (before.places[one], before.names.get(one)) != (after.places[one], after.names.get(one)) for one in common
        )
        if moved or placed:
            sentence = f"{before.verb} {before.path} became {after.verb} {after.path}" if moved else "parameters moved"
            gone_both = [effect(callers, Verdict.REFUSED, sentence, channels=(REST,)) for callers in Callers]
            yield Change(kind="route-changed", where=where, effects=(*gone_both, *fine))
        elif before.status != after.status:
            works = tuple(effect(callers, Verdict.WORKS, "every 2xx is read", channels=(REST,)) for callers in Callers)
            yield Change(kind="status-changed", where=where, effects=works)
