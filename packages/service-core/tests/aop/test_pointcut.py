"""Which methods a pointcut covers."""

from typing import Any

import pytest

from service_core.aop import classes, methods


class Base:
    def run(self) -> None: ...

    async def run_later(self) -> None: ...

    def __call__(self) -> None: ...


class Derived(Base):
    pass


class Other:
    def run(self) -> None: ...


ALL: list[tuple[type, str]] = [
    (Base, "run"),
    (Base, "run_later"),
    (Base, "__call__"),
    (Derived, "run"),
    (Other, "run"),
]


def covered(pointcut: Any) -> list[str]:
    return [f"{cls.__name__}.{name}" for cls, name in ALL if pointcut.covers(cls, name, getattr(cls, name))]


@pytest.mark.parametrize(
    ("pointcut", "expected"),
    [
        (methods(), ["Base.run", "Base.run_later", "Derived.run", "Other.run"]),
        (methods().named("run"), ["Base.run", "Derived.run", "Other.run"]),
        (methods().named("run").of_type(Base), ["Base.run", "Derived.run"]),
        (methods().named("run").named("run_later").of_type(Base), ["Base.run", "Base.run_later", "Derived.run"]),
        (methods().named("run").of_type(Derived).of_type(Other), ["Derived.run", "Other.run"]),
        (methods().matches("run_.*"), ["Base.run_later"]),
        (methods().matches("ru"), []),
        (methods().that_are_async(), ["Base.run_later"]),
        (methods().of_type(Base).that_are_sync(), ["Base.run", "Derived.run"]),
        (methods().named("__call__"), ["Base.__call__"]),
        (classes().named("Other"), ["Other.run"]),
        (classes().matches(".*e.*d"), ["Derived.run"]),
        (classes().of_type(Base).that_are_async(), ["Base.run_later"]),
        (classes().named("__call__"), []),
    ],
)
def test_covers_the_methods_that_fit_every_word(pointcut: Any, expected: list[str]) -> None:
    assert covered(pointcut) == expected


def test_a_word_leaves_the_pointcut_that_it_is_said_to_as_it_is() -> None:
    all_methods = methods().of_type(Other)
    all_methods.named("nothing")
    assert covered(all_methods) == ["Other.run"]
