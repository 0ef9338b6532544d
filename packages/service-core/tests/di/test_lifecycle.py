"""When objects are created, when their hooks run, and when they are ended."""

import gc
import weakref

import pytest

from service_core.declaring.catalog import Catalog
from service_core.di import (
    Environment,
    create,
    inject,
    injectable,
    module,
    on_destroy,
    on_init,
    on_running,
    order,
)


@module()
class Module: ...


@pytest.fixture
def log() -> list[str]:
    return []


def test_decorators_need_no_parentheses(catalog: Catalog, log: list[str]) -> None:
    class Watched:
        @inject
        def set_environment(self, environment: Environment) -> None:
            log.append("inject")

        @on_init
        def init(self) -> None:
            log.append("init")

        @on_running
        def running(self) -> None:
            log.append("running")

        @on_destroy
        def destroy(self) -> None:
            log.append("destroy")

    @module
    class Bare:
        @create
        def watched(self) -> Watched:
            return Watched()

    with Environment(Bare, catalog=catalog):
        pass
    assert log == ["inject", "init", "running", "destroy"]


def test_hooks_run_once_in_their_order(catalog: Catalog, log: list[str]) -> None:
    class Base:
        def __init__(self) -> None:
            log.append("construct")

        @on_destroy()
        def stop(self) -> None:
            log.append("stop")

        @on_init()
        def init(self) -> None:
            log.append("base init")

    @injectable(catalog=catalog)
    class Early(Base):
        @on_running()
        def run(self) -> None:
            log.append("run")

        @on_destroy()
        @order(-1)
        def stop_first(self) -> None:
            log.append("stop first")

        @on_init()
        @order(1)
        def last(self) -> None:
            log.append("last")

        @on_init()
        def late(self) -> None:
            log.append("late")

        def init(self) -> None:
            super().init()
            log.append("init")

        @inject()
        def set_environment(self, environment: Environment) -> None:
            log.append("inject")

    with Environment(Module, catalog=catalog) as environment:
        environment.get(Early)
        assert log == ["construct", "inject", "base init", "init", "late", "last", "run"]
        log.clear()
    environment.destroy()
    assert log == ["stop first", "stop"]


def test_one_method_can_be_several_hooks(catalog: Catalog, log: list[str]) -> None:
    @injectable(catalog=catalog)
    class Both:
        @on_init()
        @on_destroy()
        def note(self) -> None:
            log.append("note")

    Environment(Module, catalog=catalog).destroy()
    assert log == ["note", "note"]


class First:
    log: list[str]

    @on_init()
    def init(self) -> None:
        self.log.append("init first")

    @on_running()
    def run(self) -> None:
        self.log.append("run first")

    @on_destroy()
    def stop(self) -> None:
        self.log.append("stop first")


class Second:
    def __init__(self, first: First) -> None:
        self.log = first.log

    @on_init()
    def init(self, first: First) -> None:
        self.log.append("init second")

    @on_running()
    def run(self, environment: Environment) -> None:
        assert environment.get(Second) is self
        self.log.append("run second")

    @on_destroy()
    def stop(self, first: First) -> None:
        self.log.append("stop second")


def test_dependencies_are_made_first_and_ended_last(catalog: Catalog, log: list[str]) -> None:
    First.log = log
    injectable(catalog=catalog)(Second)
    injectable(catalog=catalog)(First)
    environment = Environment(Module, catalog=catalog)
    assert log == ["init first", "init second", "run first", "run second"]
    log.clear()
    environment.destroy()
    assert log == ["stop second", "stop first"]


def test_order_decides_which_is_made_first(catalog: Catalog, log: list[str]) -> None:
    @order(2)
    @injectable(catalog=catalog)
    class Late:
        def __init__(self) -> None:
            log.append("late")

    @injectable(catalog=catalog, eager=False)
    class Lazy:
        def __init__(self) -> None:
            log.append("lazy")

    @module()
    class Top:
        @order(3)
        @create()
        def create_last(self) -> str:
            log.append("last")
            return ""

        @create()
        def create_plain(self) -> int:
            log.append("plain")
            return 0

    @order(-1)
    @injectable(catalog=catalog)
    class Early:
        def __init__(self) -> None:
            log.append("early")

    Environment(Top, catalog=catalog)
    assert log == ["early", "plain", "late", "last"]


def test_an_object_that_is_made_later_runs_when_it_is_ready(catalog: Catalog, log: list[str]) -> None:
    First.log = log
    injectable(catalog=catalog, eager=False)(First)
    injectable(catalog=catalog, eager=False)(Second)
    environment = Environment(Module, catalog=catalog)
    assert log == []
    environment.get(Second)
    assert log == ["init first", "init second", "run first", "run second"]


class Outer:
    def __init__(self, environment: Environment) -> None:
        self.inner = environment.get(Inner)


class Inner:
    outer: Outer | None = None

    @on_running()
    def run(self, environment: Environment) -> None:
        self.outer = environment.get(Outer)


def test_an_object_may_ask_for_the_one_that_had_it_made_when_it_runs(catalog: Catalog) -> None:
    injectable(catalog=catalog, eager=False)(Inner)
    injectable(catalog=catalog, eager=False)(Outer)
    outer = Environment(Module, catalog=catalog).get(Outer)
    assert outer.inner.outer is outer


def test_new_objects_live_until_the_environment_ends(catalog: Catalog, log: list[str]) -> None:
    First.log = log
    environment = Environment(Module, catalog=catalog)
    environment.create(First)
    environment.create(First)
    assert log == ["init first", "run first"] * 2
    log.clear()
    environment.destroy()
    assert log == ["stop first"] * 2


def test_new_objects_without_an_end_are_not_kept(catalog: Catalog) -> None:
    class Ticket: ...

    environment = Environment(Module, catalog=catalog)
    ticket = weakref.ref(environment.create(Ticket))
    gc.collect()
    assert ticket() is None


def test_an_object_with_slots_that_is_handed_on_is_initialised_once(catalog: Catalog) -> None:
    runs: list[str] = []

    class Pool:
        __slots__ = ()

        @on_init()
        def start(self) -> None:
            runs.append("start")

    class SharedPool(Pool):
        __slots__ = ()

    @module()
    class Top:
        @create()
        def pool(self) -> SharedPool:
            return SharedPool()

        @create()
        def base(self, pool: SharedPool) -> Pool:
            return pool

    Environment(Top, catalog=catalog)
    assert runs == ["start"]


def test_the_hooks_of_an_object_that_a_create_method_returns_run_once(catalog: Catalog, log: list[str]) -> None:
    First.log = log

    class Base: ...

    class Child(First, Base): ...

    injectable(catalog=catalog)(Child)

    @module()
    class Top:
        @create()
        def create_base(self, child: Child) -> Base:
            return child

    environment = Environment(Top, catalog=catalog)
    assert environment.get(Base) is environment.get(Child)
    environment.destroy()
    assert log == ["init first", "run first", "stop first"]


def test_the_hooks_of_ready_instances_do_not_run(catalog: Catalog, log: list[str]) -> None:
    First.log = log

    class Base: ...

    class Child(First, Base): ...

    @module()
    class Top:
        @create()
        def create_base(self, child: Child) -> Base:
            return child

    Environment(Top, catalog=catalog, instances=[Child()]).destroy()
    assert log == []


def test_if_an_object_cannot_be_made_those_before_it_are_ended(catalog: Catalog, log: list[str]) -> None:
    First.log = log
    injectable(catalog=catalog)(First)

    @injectable(catalog=catalog)
    class Broken:
        def __init__(self, first: First) -> None:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Environment(Module, catalog=catalog)
    assert log == ["init first", "stop first"]


def test_if_running_fails_everything_is_ended(catalog: Catalog, log: list[str]) -> None:
    First.log = log
    injectable(catalog=catalog)(First)

    @injectable(catalog=catalog)
    class Broken:
        @on_running()
        def run(self) -> None:
            raise ValueError("broken")

        @on_destroy()
        def stop(self) -> None:
            raise KeyError("also broken")

    with pytest.raises(ValueError, match="broken") as caught:
        Environment(Module, catalog=catalog)
    assert caught.value.__notes__ == ["then objects that were made already failed to end: KeyError('also broken')"]
    assert log == ["init first", "run first", "stop first"]


def test_an_error_at_the_end_does_not_prevent_the_end_of_others(catalog: Catalog, log: list[str]) -> None:
    First.log = log
    injectable(catalog=catalog)(First)

    @injectable(catalog=catalog)
    class Broken:
        @on_destroy()
        def stop(self) -> None:
            raise ValueError("broken")

        @on_destroy()
        def stop_more(self) -> None:
            log.append("stop more")

    environment = Environment(Module, catalog=catalog)
    with pytest.raises(ValueError, match="broken"):
        environment.destroy()
    assert log[-2:] == ["stop more", "stop first"]
    environment.destroy()


def test_several_errors_at_the_end_are_raised_together(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Broken:
        @on_destroy()
        def stop(self) -> None:
            raise ValueError("one")

        @on_destroy()
        def stop_more(self) -> None:
            raise KeyError("two")

    with pytest.raises(ExceptionGroup, match="several objects failed to end") as caught:
        Environment(Module, catalog=catalog).destroy()
    assert [repr(error) for error in caught.value.exceptions] == ["ValueError('one')", "KeyError('two')"]


def test_the_environment_answers_while_it_is_destroyed(catalog: Catalog, log: list[str]) -> None:
    @injectable(catalog=catalog)
    class Setting:
        text = "setting"

    @injectable(catalog=catalog)
    class Early:
        @on_destroy()
        def stop(self, environment: Environment) -> None:
            log.append(environment.get(Setting).text)

    Environment(Module, catalog=catalog).destroy()
    assert log == ["setting"]


def test_destroying_from_inside_changes_nothing(catalog: Catalog, log: list[str]) -> None:
    @injectable(catalog=catalog)
    class Early:
        @on_destroy()
        def stop(self, environment: Environment) -> None:
            environment.destroy()
            log.append(type(environment.get(Early)).__name__)

    Environment(Module, catalog=catalog).destroy()
    assert log == ["Early"]


def test_modules_have_hooks_too(catalog: Catalog, log: list[str]) -> None:
    @module()
    class Top:
        @create()
        def create_text(self) -> str:
            return "text"

        @on_destroy()
        def stop(self) -> None:
            log.append("stop")

    with Environment(Top, catalog=catalog):
        assert log == []
    assert log == ["stop"]
