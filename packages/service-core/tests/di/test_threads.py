"""Several threads and one environment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from service_core.aop import Invocation, advice, around, methods
from service_core.declaring.catalog import Catalog
from service_core.di import Environment, injectable, module, on_destroy

THREADS = 8


@module()
class Module: ...


def at_once(call: Callable[[], object]) -> list[object]:
    start = threading.Barrier(THREADS)

    def run() -> object:
        start.wait()
        return call()

    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(THREADS)]]


def test_a_lazy_singleton_is_made_once(catalog: Catalog) -> None:
    made: list[object] = []

    @injectable(catalog=catalog, eager=False)
    class Part:
        def __init__(self) -> None:
            made.append(self)

    @injectable(catalog=catalog, eager=False)
    class Whole:
        def __init__(self, environment: Environment) -> None:
            self.part = environment.get(Part)

    environment = Environment(Module, catalog=catalog)
    assert len(set(at_once(lambda: environment.get(Whole)))) == 1
    assert len(made) == 1


def test_new_objects_are_made_at_once(catalog: Catalog) -> None:
    @advice(catalog=catalog)
    class Loud:
        @around(methods().named("say"))
        def shout(self, invocation: Invocation) -> str:
            return f"{invocation.proceed()}!"

    inside = threading.Barrier(THREADS)

    class Voice:
        def __init__(self) -> None:
            inside.wait(10)  # all constructors run at the same time: no lock is held around them

        def say(self) -> str:
            return "a"

    environment = Environment(Module, catalog=catalog)
    voices = at_once(lambda: environment.create(Voice))
    assert len({id(voice) for voice in voices}) == THREADS
    assert len({type(voice) for voice in voices}) == 1
    assert {voice.say() for voice in voices if isinstance(voice, Voice)} == {"a!"}


def test_what_is_made_can_be_had_while_another_thread_makes_something(catalog: Catalog) -> None:
    making, go_on = threading.Event(), threading.Event()

    class Base: ...

    @injectable(catalog=catalog)
    class Ready(Base): ...

    @injectable(catalog=catalog, eager=False)
    class Slow:
        def __init__(self) -> None:
            making.set()
            assert go_on.wait(10)

    environment = Environment(Module, catalog=catalog)
    thread = threading.Thread(target=environment.get, args=(Slow,))
    thread.start()
    assert making.wait(10)
    assert isinstance(environment.get(Base), Ready)
    go_on.set()
    thread.join()


def test_destroying_at_once_ends_objects_once(catalog: Catalog) -> None:
    ended: list[object] = []

    @injectable(catalog=catalog)
    class Part:
        @on_destroy()
        def stop(self) -> None:
            ended.append(self)

    environment = Environment(Module, catalog=catalog)
    at_once(environment.destroy)
    assert len(ended) == 1
