"""Advice on methods of container-made objects."""

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import pytest

from service_core.aop import Invocation, advice, after, around, before, error, methods
from service_core.declaring.catalog import Catalog
from service_core.di import Environment, create, injectable, module, on_init, order
from service_core.errors import DeclarationException


class Work:
    """Does something."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def run(self, item: str, times: int = 1) -> str:
        """Do it."""
        self.log.append("run")
        return item * times

    def run_twice(self, item: str) -> str:
        return self.run(item) + self.run(item)

    def fail(self) -> str:
        raise ValueError("no")

    async def later(self, item: str) -> str:
        await asyncio.sleep(0)
        self.log.append("later")
        return item

    async def fail_later(self) -> str:
        await asyncio.sleep(0)
        raise ValueError("no")


@module()
class Module:
    pass


@pytest.fixture
def catalog() -> Catalog:
    catalog = Catalog()
    injectable(catalog=catalog)(Work)
    return catalog


def make_work(catalog: Catalog) -> Work:
    return Environment(Module, catalog=catalog).get(Work)


def test_around_decides_what_is_called_and_returned(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("run").of_type(Work))
        def shout(self, invocation: Invocation) -> Any:
            assert invocation.func.__name__ == "run"
            work = cast(Work, invocation.args[0])
            work.log.append("around")
            return invocation.proceed(work, "b", **invocation.kwargs) + "!"

    work = make_work(catalog)
    assert work.run("a", times=2) == "bb!"
    assert work.log == ["around", "run"]


def test_advice_in_a_class_that_is_not_decorated_is_refused(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Log:
        @around(methods().named("run"))
        def log(self, invocation: Invocation) -> object:
            return invocation.proceed()

    expected = r"Log\.log has @around, but its class is no advice class; decorate Log with @advice"
    with pytest.raises(DeclarationException, match=expected):
        Environment(Module, catalog=catalog)


def test_proceed_keeps_the_arguments_and_the_object_unless_others_are_given(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Twice:
        @around(methods().named("run"))
        def again(self, invocation: Invocation) -> Any:
            return invocation.proceed() + invocation.proceed(item="b")

    assert make_work(catalog).run("a") == "ab"


def test_calls_from_inside_the_object_are_advised(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("run"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed() + "!"

    assert make_work(catalog).run_twice("a") == "a!a!"


def test_all_kinds_run_in_their_order(catalog: Catalog) -> None:
    steps: list[str] = []

    @advice(catalog=catalog)
    class Steps:
        @after(methods().named("fail"))
        def last(self, invocation: Invocation) -> None:
            steps.append(f"after {invocation.exception}")

        @error(methods().named("fail"))
        def failed(self, invocation: Invocation) -> None:
            steps.append(f"error {invocation.exception}")

        @around(methods().named("fail"))
        def surround(self, invocation: Invocation) -> Any:
            steps.append("around")
            return invocation.proceed()

        @before(methods().named("fail"))
        def first(self, invocation: Invocation) -> None:
            steps.append("before")

    with pytest.raises(ValueError, match="no"):
        make_work(catalog).fail()
    assert steps == ["before", "around", "error no", "after no"]


def test_order_says_which_advice_is_outside(catalog: Catalog) -> None:
    def adding(text: str) -> Callable[[Any, Invocation], Any]:
        def add(self: Any, invocation: Invocation) -> Any:
            return invocation.proceed() + text

        return add

    @advice(catalog=catalog)
    class Plain:
        first = around(methods().named("run"))(adding("0"))

    @advice(catalog=catalog)
    @order(-1)
    class Outside:
        first = order(2)(around(methods().named("run"))(adding("2")))
        second = order(1)(around(methods().named("run"))(adding("1")))

    del Plain, Outside
    assert make_work(catalog).run("") == "021"


def test_after_may_exchange_the_result(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Exchange:
        @after(methods().named("run"))
        def exchange(self, invocation: Invocation) -> None:
            invocation.result = invocation.result.upper()

    assert make_work(catalog).run("a") == "A"


def test_error_may_exchange_the_exception(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Translate:
        @error(methods().named("fail"))
        def translate(self, invocation: Invocation) -> None:
            invocation.exception = KeyError("translated")

    with pytest.raises(KeyError, match="translated") as caught:
        make_work(catalog).fail()
    assert isinstance(caught.value.__cause__, ValueError)


async def test_error_may_take_the_exception_away(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Forgive:
        @error(methods().matches("fail.*"))
        def forgive(self, invocation: Invocation) -> None:
            invocation.exception = None
            invocation.result = "forgiven"

    work = make_work(catalog)
    assert work.fail() == "forgiven"
    assert await work.fail_later() == "forgiven"


def test_before_keeps_a_method_from_being_run_by_raising(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Guard:
        @before(methods().named("run"))
        def guard(self, invocation: Invocation) -> None:
            raise PermissionError("stop")

    work = make_work(catalog)
    with pytest.raises(PermissionError, match="stop"):
        work.run("a")
    assert work.log == []


async def test_async_methods_are_advised_by_async_advice(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Later:
        @around(methods().that_are_async())
        async def surround(self, invocation: Invocation) -> Any:
            await asyncio.sleep(0)
            return await invocation.proceed() + "!"

    work = make_work(catalog)
    assert inspect.iscoroutinefunction(work.later)
    assert await work.later("a") == "a!"


async def test_async_methods_are_advised_by_sync_advice(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Now:
        @around(methods().named("later"))
        def outer(self, invocation: Invocation) -> Awaitable[Any]:
            return cast(Awaitable[Any], invocation.proceed(invocation.args[0], "b"))

        @around(methods().named("later"))
        async def inner(self, invocation: Invocation) -> Any:
            return await invocation.proceed() + "!"

    assert await make_work(catalog).later("a") == "b!"


async def test_sync_advice_may_answer_for_an_async_method(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Cache:
        @order(1)
        @around(methods().named("later"))
        def cached(self, invocation: Invocation) -> Any:
            return "cached"

        @around(methods().named("later"))
        async def outer(self, invocation: Invocation) -> Any:
            return await invocation.proceed() + "!"

    work = make_work(catalog)
    assert await work.later("a") == "cached!"
    assert work.log == []


async def test_advice_on_an_async_method_runs_after_the_await(catalog: Catalog) -> None:
    steps: list[str] = []

    @advice(catalog=catalog)
    class Steps:
        @before(methods().that_are_async())
        async def first(self, invocation: Invocation) -> None:
            await asyncio.sleep(0)
            steps.append("before")

        @error(methods().that_are_async())
        async def failed(self, invocation: Invocation) -> None:
            await asyncio.sleep(0)
            steps.append(f"error {invocation.exception}")

        @after(methods().that_are_async())
        def last(self, invocation: Invocation) -> None:
            steps.append(f"after {invocation.result}")

    work = make_work(catalog)
    await work.later("a")
    with pytest.raises(ValueError, match="no"):
        await work.fail_later()
    assert steps == ["before", "after a", "before", "error no", "after None"]


async def test_a_cancelled_call_is_seen_by_after_and_not_by_error(catalog: Catalog) -> None:
    seen: list[object] = []
    waiting = asyncio.Event()

    @advice(catalog=catalog)
    class Watch:
        @around(methods().named("later"))
        async def wait(self, invocation: Invocation) -> Any:
            waiting.set()
            await asyncio.Event().wait()

        @error(methods().named("later"))
        def failed(self, invocation: Invocation) -> None:
            seen.append("error")

        @after(methods().named("later"))
        def last(self, invocation: Invocation) -> None:
            seen.append(type(invocation.exception))

    task = asyncio.create_task(make_work(catalog).later("a"))
    await waiting.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == [asyncio.CancelledError]


async def test_one_advice_serves_many_calls_at_once(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Repeat:
        @around(methods().named("later"))
        async def repeat(self, invocation: Invocation) -> Any:
            first = await invocation.proceed()
            return first + await invocation.proceed()

        @around(methods().named("later"))
        async def mark(self, invocation: Invocation) -> Any:
            return await invocation.proceed() + "."

    work = make_work(catalog)
    items = [str(number) for number in range(50)]
    assert await asyncio.gather(*map(work.later, items)) == [f"{item}.{item}." for item in items]


def test_an_async_advice_on_a_sync_method_is_refused(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Wrong:
        @around(methods().of_type(Work).named("run"))
        async def surround(self, invocation: Invocation) -> Any: ...

    with pytest.raises(DeclarationException) as caught:
        make_work(catalog)
    assert str(caught.value) == (
        "advice Wrong.surround is async, but covers Work.run, which is not; "
        "write it without 'async', or add .that_are_async()"
    )


def test_an_advice_method_with_other_parameters_is_refused() -> None:
    with pytest.raises(DeclarationException) as caught:

        @before(methods())
        def look(self: Any) -> None: ...

    assert "write 'def look(self, invocation: Invocation)'" in str(caught.value)


def test_advice_without_a_pointcut_is_refused() -> None:
    with pytest.raises(DeclarationException) as caught:
        around()
    assert str(caught.value) == ("@around selects no methods; write for example @around(methods().named('run'))")


def test_an_advised_object_looks_like_one_that_is_not(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("run"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed()

    work = make_work(catalog)
    cls = type(work)
    assert isinstance(work, Work)
    assert (cls.__name__, cls.__module__, cls.__qualname__) == ("Work", Work.__module__, "Work")
    assert cls.__doc__ == "Does something."
    assert inspect.signature(work.run) == inspect.signature(Work().run)
    assert work.run.__doc__ == "Do it."
    assert "run_twice" not in vars(cls)


def test_an_object_without_matching_advice_keeps_its_class(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Nothing:
        @around(methods().named("nothing"))
        def never(self, invocation: Invocation) -> Any: ...

    assert type(make_work(catalog)) is Work


@dataclass(frozen=True, slots=True)
class Point:
    x: int = 1

    def double(self) -> int:
        return 2 * self.x


def test_frozen_classes_with_slots_can_be_advised(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class More:
        @around(methods().named("double").of_type(Point))
        def more(self, invocation: Invocation) -> Any:
            return invocation.proceed() + 1

    @module()
    class Points:
        @create()
        def create_point(self) -> Point:
            return Point(3)

    point = Environment(Points, catalog=catalog).get(Point)
    assert point.double() == 7
    assert isinstance(point, Point)


def test_an_object_that_is_handed_on_is_advised_once(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class More:
        @around(methods().named("double"))
        def more(self, invocation: Invocation) -> Any:
            return invocation.proceed() + 1

    @module()
    class Points:
        @create()
        def create_point(self) -> Point:
            return Point(3)

        @create()
        def create_any(self, point: Point) -> Any:
            return point

    assert Environment(Points, catalog=catalog).get(Any).double() == 7


def test_create_methods_can_be_advised(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Other:
        @around(methods().named("create_text"))
        def replace(self, invocation: Invocation) -> Any:
            return "other"

    @module()
    class Texts:
        @create()
        def create_text(self) -> str:
            return "text"

    assert Environment(Texts, catalog=catalog).get(str) == "other"


def test_advice_applies_to_created_objects_modules_and_new_ones(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("say"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed() + "!"

    class Voice:
        def say(self) -> str:
            return "a"

    class SoftVoice(Voice):
        pass

    @module()
    class Speaking:
        @create()
        def create_voice(self) -> Voice:
            return SoftVoice()

        def say(self) -> str:
            return "m"

    environment = Environment(Speaking, catalog=catalog)
    assert environment.get(Voice).say() == "a!"
    assert environment.create(SoftVoice).say() == "a!"
    assert environment.get(Speaking).say() == "m!"


def test_objects_of_one_class_share_one_advised_class(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("run"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed()

    environment = Environment(Module, catalog=catalog)
    assert type(environment.create(Work)) is type(environment.create(Work)) is type(environment.get(Work))


def test_ready_instances_are_not_advised(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("run"))
        def shout(self, invocation: Invocation) -> Any:
            return "!"

    work = Work()
    environment = Environment(Module, catalog=catalog, instances=[work])
    assert environment.get(Work) is work
    assert work.run("a") == "a"


def test_advice_is_injected_made_once_when_needed_and_not_advised(catalog: Catalog) -> None:
    made: list[object] = []

    @injectable(catalog=catalog)
    class Punctuation:
        mark = "!"

    @advice(catalog=catalog)
    class Loud:
        def __init__(self, punctuation: Punctuation) -> None:
            self.punctuation = punctuation
            made.append(self)

        @around(methods().of_type(Work).named("run").named("run_twice"), methods().named("shout"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed() + self.punctuation.mark

    environment = Environment(Module, catalog=catalog)
    work = environment.get(Work)
    assert made == []
    assert work.run("a") == "a!"
    assert work.run_twice("a") == "a!a!!"
    assert made == [environment.get(Loud)]
    assert type(made[0]) is Loud


def test_advice_may_need_what_it_advises(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Log:
        def __init__(self, work: Work) -> None:
            self.work = work

        @before(methods().named("run"))
        def note(self, invocation: Invocation) -> None:
            self.work.log.append("noted")

    work = make_work(catalog)
    work.run("a")
    assert work.log == ["noted", "run"]


def test_advice_is_active_when_an_object_is_initialised(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("word"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed() + "!"

    @injectable(catalog=catalog)
    class Speaker:
        said: ClassVar[list[str]] = []

        def word(self) -> str:
            return "a"

        @on_init()
        def speak(self) -> None:
            self.said.append(self.word())

    assert Environment(Module, catalog=catalog).get(Speaker).said == ["a!"]


def test_environments_do_not_share_advice_objects(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Count:
        def __init__(self) -> None:
            self.calls = 0

        @before(methods().named("run"))
        def count(self, invocation: Invocation) -> None:
            self.calls += 1

    one, other = Environment(Module, catalog=catalog), Environment(Module, catalog=catalog)
    one.get(Work).run("a")
    other.get(Work).run("a")
    assert one.get(Count).calls == other.get(Count).calls == 1


def test_an_overriding_advice_method_stays_one(catalog: Catalog) -> None:
    class Loud:
        @around(methods().named("run"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed() + "!"

    @advice(catalog=catalog)
    class Louder(Loud):
        def shout(self, invocation: Invocation) -> Any:
            return super().shout(invocation) + "!"

    assert make_work(catalog).run("a") == "a!!"


def test_many_threads_get_the_same_advice(catalog: Catalog) -> None:
    made: list[object] = []
    start = threading.Barrier(8)

    @advice(catalog=catalog)
    class Loud:
        def __init__(self) -> None:
            made.append(self)

        @around(methods().named("run"))
        def shout(self, invocation: Invocation) -> Any:
            return invocation.proceed() + "!"

    work = make_work(catalog)
    results: list[str] = []

    def call() -> None:
        start.wait()
        results.append(work.run("a"))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == ["a!"] * 8
    assert len(made) == 1
