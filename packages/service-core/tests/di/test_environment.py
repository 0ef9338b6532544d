"""What an environment holds, and how it is asked for."""

from abc import ABC, abstractmethod
from typing import Any, Generic, NewType, Protocol, TypeVar, assert_type

import pytest

from service_core.declaring.catalog import Catalog
from service_core.di import Environment, create, inject, inject_environment, injectable, injection, module
from service_core.errors import DependencyException

T = TypeVar("T")

Url = NewType("Url", str)


class Store(ABC):
    @abstractmethod
    def read(self) -> str: ...


class MemoryStore(Store):
    def read(self) -> str:
        return "memory"


class FileStore(Store):
    def read(self) -> str:
        return "file"


@module()
class Empty:
    pass


@module()
class StoreModule:
    @create()
    def create_store(self) -> MemoryStore:
        return MemoryStore()


def test_a_created_object_is_found_by_its_class_and_its_base_classes(catalog: Catalog) -> None:
    environment = Environment(StoreModule, catalog=catalog)
    store = assert_type(environment.get(Store), Store)
    assert store.read() == "memory"
    assert store is environment.get(MemoryStore) is environment.get(Store)


def test_object_and_abc_cannot_be_requested(catalog: Catalog) -> None:
    environment = Environment(StoreModule, catalog=catalog)
    assert not environment.provides(object)
    assert not environment.provides(ABC)


def test_a_base_of_several_is_provided_and_its_classes_can_be_requested(catalog: Catalog) -> None:
    injectable(catalog=catalog)(FileStore)
    environment = Environment(StoreModule, catalog=catalog)
    assert environment.provides(Store)
    assert environment.get(FileStore).read() == "file"
    assert environment.get(MemoryStore).read() == "memory"


def test_a_class_itself_is_preferred_to_its_subclasses(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Child(MemoryStore): ...

    environment = Environment(StoreModule, catalog=catalog)
    assert type(environment.get(MemoryStore)) is MemoryStore
    assert isinstance(environment.get(Child), Child)


def test_imports_belong_to_the_environment_also_in_circles(catalog: Catalog) -> None:
    @module(imports=[StoreModule])
    class Middle: ...

    @module(imports=[Middle, StoreModule])
    class Top: ...

    setattr(Middle, "__service_imports__", (StoreModule, Top))  # noqa: B010
    environment = Environment(Top, catalog=catalog)
    assert environment.provides(MemoryStore)
    assert isinstance(environment.get(Middle), Middle)


def test_a_module_that_is_not_imported_provides_nothing(catalog: Catalog) -> None:
    assert not Environment(Empty, catalog=catalog).provides(Store)


def test_a_created_object_takes_the_place_of_an_injectable_of_its_class(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Setting:
        def __init__(self, value: str = "default") -> None:
            self.value = value

    @module()
    class Settings:
        @create()
        def create_setting(self) -> Setting:
            return Setting("created")

    assert Environment(Empty, catalog=catalog).get(Setting).value == "default"
    assert Environment(Settings, catalog=catalog).get(Setting).value == "created"


def test_constructors_and_create_methods_are_injected_by_type(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Reader:
        def __init__(self, store: Store, *args: object, limit: int = 3, **kwargs: object) -> None:
            self.text = store.read() * limit

    class Printer:
        def __init__(self, text: str) -> None:
            self.text = text

    @module(imports=[StoreModule])
    class Top:
        def __init__(self, store: MemoryStore) -> None:
            self.store = store

        @create()
        def create_printer(self, reader: Reader) -> Printer:
            return Printer(reader.text + self.store.read())

    assert Environment(Top, catalog=catalog).get(Printer).text == "memory" * 4


def test_a_default_is_kept_only_if_the_type_is_not_provided(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Reader:
        def __init__(self, missing: Url | None = None, store: Store | None = None, plain=1) -> None:  # type: ignore[no-untyped-def]
            self.given = (missing, store, plain)

    missing, store, plain = Environment(StoreModule, catalog=catalog).get(Reader).given
    assert missing is None
    assert isinstance(store, MemoryStore)
    assert plain == 1


def test_new_types_and_generic_classes_are_types_of_their_own(catalog: Catalog) -> None:
    class Repository(Generic[T]):
        pass

    class Orders(Repository[int]):
        pass

    @injectable(catalog=catalog)
    class User:
        def __init__(self, url: Url, orders: Repository[int], names: Repository[str]) -> None:
            self.given = (url, orders, names)

    @module()
    class Top:
        @create()
        def create_url(self) -> Url:
            return Url("http://here")

        @create()
        def create_orders(self) -> Orders:
            return Orders()

        @create()
        def create_names(self) -> Repository[str]:
            return Repository()

    environment = Environment(Top, catalog=catalog)
    url, orders, names = environment.get(User).given
    assert url == environment.get(Url) == "http://here"
    assert orders is environment.get(Orders) is environment.get(Repository[int])
    assert names is environment.get(Repository[str])


def test_a_protocol_that_a_class_derives_from_can_be_requested(catalog: Catalog) -> None:
    class Readable(Protocol):
        def read(self) -> str: ...

    @injectable(catalog=catalog)
    class Book(Readable):
        def read(self) -> str:
            return "book"

    environment = Environment(Empty, catalog=catalog)
    assert environment.get(Readable).read() == "book"


def test_create_methods_have_scopes_too(catalog: Catalog) -> None:
    made: list[int] = []

    class Lazy: ...

    @module()
    class Top:
        @create(scope="request")
        def create_number(self) -> int:
            made.append(len(made))
            return made[-1]

        @create(eager=False)
        def create_lazy(self) -> Lazy:
            made.append(-1)
            return Lazy()

    environment = Environment(Top, catalog=catalog)
    assert made == []
    with environment.request():
        assert [environment.get(int), environment.get(int)] == [0, 0]
    with environment.request():
        assert environment.get(int) == 1
    environment.get(Lazy)
    assert made == [0, 1, -1]


def test_ready_instances_are_found_and_injected(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Reader:
        def __init__(self, store: Store) -> None:
            self.store = store

    store = FileStore()
    environment = Environment(Empty, catalog=catalog, instances=[store])
    assert environment.get(Store) is environment.get(FileStore) is environment.get(Reader).store is store


def test_a_ready_instance_takes_the_place_of_an_injectable_of_its_class(catalog: Catalog) -> None:
    injectable(catalog=catalog)(FileStore)
    store = FileStore()
    assert Environment(Empty, catalog=catalog, instances=[store]).get(Store) is store


def test_the_environment_can_be_injected(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Finder:
        def __init__(self, environment: Environment) -> None:
            self.environment = environment
            self.store = environment.get(Store)

    environment = Environment(StoreModule, catalog=catalog)
    assert environment.get(Finder).environment is environment is environment.get(Environment)
    assert environment.get(Finder).store is environment.get(MemoryStore)
    assert environment.catalog is catalog


def test_create_makes_an_injected_object_of_any_class(catalog: Catalog) -> None:
    class Reader:
        def __init__(self, store: Store, limit: int = 3) -> None:
            self.given = (store, limit)

        @inject()
        def add(self, store: MemoryStore) -> None:
            self.added = store

    environment = Environment(StoreModule, catalog=catalog)
    reader = assert_type(environment.create(Reader), Reader)
    assert reader.given == (environment.get(Store), 3)
    assert reader.added is environment.get(Store)
    assert environment.create(Reader) is not reader
    assert not environment.provides(Reader)


def test_inject_methods_are_called_with_objects_of_their_parameters_types(catalog: Catalog) -> None:
    @injectable(catalog=catalog)
    class Reader:
        @inject()
        def set_store(self, store: Store, url: Url = Url("none")) -> None:
            self.given = (store, url)

        @inject_environment()
        def set_environment(self, environment: Environment) -> None:
            self.environment = environment

    environment = Environment(StoreModule, catalog=catalog)
    reader = environment.get(Reader)
    assert reader.given == (environment.get(Store), "none")
    assert reader.environment is environment


def test_a_function_finds_the_arguments_of_an_injection(catalog: Catalog) -> None:
    def read(environment: Environment, parameter_types: list[Any]) -> list[Any]:
        assert parameter_types == [str, Url]
        return [environment.get(Store).read(), "url"]

    @injectable(catalog=catalog)
    class Page:
        @injection(read)
        def set_text(self, text: str, url: Url) -> None:
            self.given = (text, url)

    assert Environment(StoreModule, catalog=catalog).get(Page).given == ("memory", "url")


def test_the_hooks_of_the_class_that_a_create_method_returns_count(catalog: Catalog) -> None:
    class Shelf(Store):
        given: Store | None = None

        def read(self) -> str:
            return "shelf"

        @inject()
        def set_store(self, store: MemoryStore) -> None:
            self.given = store

    @module(imports=[StoreModule])
    class Top:
        @create()
        def create_shelf(self) -> Store:
            return Shelf()

    environment = Environment(Top, catalog=catalog)
    shelf = environment.get(Store)
    assert isinstance(shelf, Shelf)
    assert shelf.given is environment.get(MemoryStore)


def test_modules_inherit_create_methods_and_may_override_them(catalog: Catalog) -> None:
    class Derived(MemoryStore): ...

    @module()
    class Inherits(StoreModule): ...

    @module()
    class Overrides(StoreModule):
        def create_store(self) -> Derived:
            return Derived()

    assert type(Environment(Inherits, catalog=catalog).get(Store)) is MemoryStore
    assert type(Environment(Overrides, catalog=catalog).get(Derived)) is Derived


def test_two_environments_have_objects_of_their_own(catalog: Catalog) -> None:
    one, other = Environment(StoreModule, catalog=catalog), Environment(StoreModule, catalog=catalog)
    assert one.get(Store) is not other.get(Store)


def test_an_environment_can_be_without_modules(catalog: Catalog) -> None:
    environment = Environment(catalog=catalog, instances=[MemoryStore()])
    assert environment.get(Store).read() == "memory"
    with pytest.raises(DependencyException, match="add a @create"):
        environment.get(FileStore)
