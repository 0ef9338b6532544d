"""What is refused, and what is said about it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from dishka.exceptions import CycleDependenciesError, GraphMissingFactoryError

from service_core import Service, ServiceModule
from service_core.declaring.catalog import Catalog
from service_core.di import Environment, create, inject, injectable, module, on_destroy, on_init
from service_core.errors import DeclarationException, DependencyException

if TYPE_CHECKING:
    from decimal import Decimal

PACKAGE = __package__ or __name__


class Store: ...


class MemoryStore(Store): ...


class FileStore(Store): ...


class Reader:
    made = 0

    def __init__(self, store: Store) -> None:
        Reader.made += 1


class First:
    def __init__(self, second: "Second") -> None: ...


class Second:
    def __init__(self, first: First) -> None: ...


@module()
class Module: ...


def message(call: Callable[..., object], *args: Any, **kwargs: Any) -> str:
    with pytest.raises(DependencyException) as caught:
        call(*args, **kwargs)
    return str(caught.value)


def test_a_missing_dependency_is_found_before_any_object_is_made(catalog: Catalog) -> None:
    made: list[object] = []

    @injectable(catalog=catalog)
    class Early:
        def __init__(self) -> None:
            made.append(self)

    injectable(catalog=catalog, eager=False)(Reader)
    with pytest.raises(DependencyException) as caught:
        Environment(Module, catalog=catalog)
    assert str(caught.value) == (
        f"parameter 'store' of Reader.__init__() needs Store, which is not provided; add a @create() method that "
        f"returns Store to Module, or decorate a class with @injectable() in package {PACKAGE}"
    )
    assert isinstance(caught.value.__cause__, GraphMissingFactoryError)
    assert made == []


def test_a_create_method_says_what_it_misses(catalog: Catalog) -> None:
    @module()
    class Top:
        @create()
        def create_reader(self, store: Store) -> Reader:
            return Reader(store)

    assert message(Environment, Top, catalog=catalog).startswith(
        "parameter 'store' of Top.create_reader() needs Store, which is not provided; add a @create() method that "
        "returns Store to Top, or"
    )


def test_the_module_of_the_user_is_named_and_a_service_is_injected(catalog: Catalog) -> None:
    class Remote(Service): ...

    @module()
    class Top:
        @create()
        def create_reader(self, remote: Remote) -> Reader:
            return Reader(Store())

    assert message(Environment, Top, ServiceModule, catalog=catalog).startswith(
        "parameter 'remote' of Top.create_reader() needs Remote, which is not provided; take a service that another "
        "process may offer by '@inject_service() def set_it(self, it: Remote)', add a @create() method that returns "
        f"Remote to Top, or decorate a class with @injectable() in package {PACKAGE}"
    )


@pytest.mark.parametrize("hook", [inject, on_init, on_destroy])
def test_a_hook_says_what_it_misses(hook: Any, catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Early:
        @hook()  # type: ignore[untyped-decorator]
        def prepare(self, store: Store) -> None: ...

    assert "parameter 'store' of Early.prepare() needs Store, which is not" in message(
        Environment, Module, catalog=catalog
    )


def test_a_missing_type_is_named(catalog: Catalog) -> None:
    assert message(Environment(Module, catalog=catalog).get, Store) == (
        f"Store is not provided; add a @create() method that returns Store to Module, or decorate a class with "
        f"@injectable() in package {PACKAGE}"
    )


def test_a_decorated_class_outside_of_the_packages_is_pointed_at(catalog: Catalog) -> None:
    elsewhere = type("Elsewhere", (Store,), {"__module__": "elsewhere.app"})
    injectable(catalog=catalog)(elsewhere)
    assert message(Environment(Module, catalog=catalog).get, Store) == (
        f"Store is not provided: elsewhere.app.Elsewhere is not in package {PACKAGE}; import a module of its "
        f"package with @module(imports=[...])"
    )


def test_a_base_of_several_names_them(catalog: Catalog) -> None:
    injectable(catalog=catalog)(FileStore)

    @module()
    class Top:
        @create()
        def create_store(self) -> MemoryStore:
            return MemoryStore()

    environment = Environment(Top, catalog=catalog)
    expected = (
        f"is provided by several: Top.create_store(), class {FileStore.__module__}.FileStore; "
        f"keep one, or request one of these"
    )
    assert message(environment.get, Store) == f"Store {expected}"
    where = "parameter 'store' of Reader.__init__() needs Store, which"
    assert message(environment.create, Reader) == f"{where} {expected}"
    injectable(catalog=catalog)(Reader)
    assert message(Environment, Top, catalog=catalog) == f"{where} {expected}"


def test_a_default_does_not_hide_that_there_are_several(catalog: Catalog) -> None:
    injectable(catalog=catalog)(FileStore)
    injectable(catalog=catalog)(MemoryStore)

    @injectable(catalog=catalog)
    class Careless:
        def __init__(self, store: Store | None = None) -> None: ...

    assert "needs Store, which is provided by several" in message(Environment, Module, catalog=catalog)


def test_create_names_the_parameter_that_it_cannot_inject(catalog: Catalog) -> None:
    assert message(Environment(Module, catalog=catalog).create, Reader).startswith(
        "parameter 'store' of Reader.__init__() needs Store, which is not provided; "
    )


def test_classes_that_need_each_other_are_refused_with_the_path(catalog: Catalog) -> None:
    injectable(catalog=catalog)(First)
    injectable(catalog=catalog)(Second)
    with pytest.raises(DependencyException) as caught:
        Environment(Module, catalog=catalog)
    assert str(caught.value) == (
        "objects need each other: First -> Second -> First; let one of them inject the Environment and request "
        "the other from it on use"
    )
    assert isinstance(caught.value.__cause__, CycleDependenciesError)


def test_a_class_that_needs_itself_is_refused_with_the_path(catalog: Catalog) -> None:
    class Top:
        @create()
        def create_store(self, store: Store) -> Store:
            return store

    module()(Top)
    assert message(Environment, Top, catalog=catalog).startswith("objects need each other: Store -> Store; ")


class Asking:
    def __init__(self, environment: Environment) -> None:
        environment.get(Asked)


class Asked:
    def __init__(self, asking: Asking) -> None: ...


def test_a_circle_through_the_environment_is_refused_with_the_path(catalog: Catalog) -> None:
    injectable(catalog=catalog, eager=False)(Asking)
    injectable(catalog=catalog, eager=False)(Asked)
    environment = Environment(Module, catalog=catalog)
    assert "each other: Asking -> Asked -> Asking; " in message(environment.get, Asking)
    assert "each other: Asked -> Asking -> Asked; " in message(environment.get, Asked)


def test_a_circle_through_a_new_object_is_refused_with_the_path(catalog: Catalog) -> None:
    class Part:
        def __init__(self, whole: Asked) -> None: ...

    class Whole(Asked):
        def __init__(self, environment: Environment) -> None:
            environment.create(Part)

    injectable(catalog=catalog)(Whole)
    assert "each other: Whole -> a new Part -> Whole; " in message(Environment, Module, catalog=catalog)


def test_an_object_cannot_be_requested_while_it_is_initialised(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Early:
        @on_init()
        def ask(self, environment: Environment) -> None:
            environment.get(Early)

    assert "each other: Early -> Early; " in message(Environment, Module, catalog=catalog)


def test_a_class_that_is_no_module_is_refused(catalog: Catalog) -> None:
    @module(imports=[Store])
    class Top: ...

    expected = "Store is not a module; decorate the class with @module()"
    assert message(Environment, Store, catalog=catalog) == expected
    assert message(Environment, Top, catalog=catalog) == expected


def test_a_subclass_of_a_module_is_not_yet_one(catalog: Catalog) -> None:
    class Derived(Module): ...

    assert (
        message(Environment, Derived, catalog=catalog) == "Derived is not a module; decorate the class with @module()"
    )


def test_what_is_created_twice_is_refused(catalog: Catalog) -> None:
    @module()
    class One:
        @create()
        def create_store(self) -> Store:
            return Store()

    @module(imports=[One])
    class Two:
        @create()
        def create_another(self) -> Store:
            return Store()

    assert message(Environment, Two, catalog=catalog) == (
        "Store is created twice, by One.create_store() and by Two.create_another(); "
        "remove one, or let one return a subclass"
    )
    assert message(Environment, One, catalog=catalog, instances=[Store()]).startswith(
        "Store is created twice, by instances=[...] and by One.create_store(); "
    )


def test_two_instances_of_one_class_are_refused(catalog: Catalog) -> None:
    assert message(Environment, catalog=catalog, instances=[Store(), Store()]) == (
        "instances=[...] has two objects of class Store"
    )


def test_a_create_method_must_say_what_it_creates(catalog: Catalog) -> None:
    expected = (
        "@create() method Top.create_store() must be a 'def' with a return type that says what it creates; "
        "write 'def create_store(self) -> <type>', or '-> Iterator[<type>]' for a generator"
    )

    def untyped(self: Any):  # type: ignore[no-untyped-def]
        return Store()

    def nothing(self: Any) -> None: ...

    async def later(self: Any) -> Store:
        return Store()

    for method in (untyped, nothing, later):
        top = module()(type("Top", (), {"create_store": create()(method)}))
        assert message(Environment, top, catalog=catalog) == expected


def test_a_create_method_that_returns_nothing_is_named(catalog: Catalog) -> None:
    @module()
    class Top:
        @create()
        def create_store(self) -> Store:
            return None  # type: ignore[return-value]

    assert message(Environment, Top, catalog=catalog) == "Top.create_store() returned None; let it return a Store"


def test_an_abstract_class_is_refused(catalog: Catalog) -> None:
    class Shape(ABC):
        @abstractmethod
        def width(self) -> int: ...

        @abstractmethod
        def height(self) -> int: ...

    injectable(catalog=catalog)(Shape)
    expected = "Shape cannot be made, it is abstract: implement height, width"
    assert message(Environment, Module, catalog=catalog) == expected


def test_a_parameter_without_a_type_is_refused(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Loose:
        def __init__(self, store) -> None: ...  # type: ignore[no-untyped-def]

    assert message(Environment, Module, catalog=catalog) == (
        "parameter 'store' of Loose.__init__() has no type hint; write 'store: <type>', since it is injected by its "
        "type"
    )


def test_a_type_that_cannot_be_found_is_named(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Priced:
        def __init__(self, price: "Decimal") -> None: ...

    assert message(Environment, Module, catalog=catalog) == (
        f"Priced.__init__(): the type 'Decimal' cannot be found from module '{__name__}'; import it there, outside "
        f"of 'if TYPE_CHECKING' and of functions, since it is injected by its type"
    )


def test_a_hook_that_would_have_to_be_awaited_is_refused() -> None:
    with pytest.raises(DeclarationException) as caught:

        @on_init()
        async def start(self: Any) -> None: ...

    assert "start is called by the container, which does not await; write 'def start' without 'async'" in str(
        caught.value
    )


def test_a_destroyed_environment_gives_nothing(catalog: Catalog) -> None:
    injectable(catalog=catalog)(MemoryStore)
    environment = Environment(Module, catalog=catalog)
    environment.get(Store)
    environment.destroy()
    assert message(environment.get, Store) == "Store was requested after its environment was destroyed"
    assert message(environment.create, Store) == "Store was requested after its environment was destroyed"
