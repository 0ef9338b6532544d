"""Which decorated classes belong to a module."""

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service_core.declaring.catalog import Catalog
from service_core.di import Environment
from service_core.errors import DependencyException

MODULE = "from service_core.di import module\n@module({})\nclass Module: ...\n"
CLASS = """
from catalog_of_test import catalog
from service_core.di import injectable
@injectable(catalog=catalog)
class {}: ...
"""


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    files = {
        "catalog_of_test.py": "from service_core.declaring.catalog import Catalog\ncatalog = Catalog()\n",
        "shop/__init__.py": MODULE.format(""),
        "shop/app.py": MODULE.format("") + CLASS.format("InApp"),
        "shop/orders/__init__.py": CLASS.format("InOrders"),
        "shop/orders/store.py": MODULE.format("") + CLASS.format("InStore"),
        "shopping.py": CLASS.format("InShopping"),
        "single.py": MODULE.format("") + CLASS.format("InSingle"),
        "both.py": "import shop.orders.store\n" + MODULE.format("imports=[shop.orders.store.Module]"),
    }
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    before = set(sys.modules)
    for name in ("shop.app", "shop.orders", "shop.orders.store", "shopping", "single", "both"):
        __import__(name)
    new = set(sys.modules) - before
    yield
    for name in new:
        del sys.modules[name]


def held(name: str) -> set[str]:
    catalog: Catalog = sys.modules["catalog_of_test"].catalog
    environment = Environment(sys.modules[name].Module, catalog=catalog)
    return {cls.__name__ for cls in catalog.injectables() if environment.provides(cls)}


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("shop.app", {"InApp", "InOrders", "InStore"}),
        ("shop", {"InApp", "InOrders", "InStore"}),
        ("shop.orders.store", {"InOrders", "InStore"}),
        ("single", {"InSingle"}),
        ("both", {"InOrders", "InStore"}),
    ],
)
def test_a_module_brings_the_classes_of_its_package(module: str, expected: set[str]) -> None:
    assert held(module) == expected


@pytest.mark.usefixtures("packages")
@pytest.mark.parametrize(
    ("module", "package"), [("shop.app", "shop"), ("single", "single"), ("both", "shop.orders or both")]
)
def test_the_packages_that_were_looked_through_are_named(module: str, package: str) -> None:
    environment = Environment(sys.modules[module].Module, catalog=Catalog())
    with pytest.raises(DependencyException) as caught:
        environment.get(Path)
    assert str(caught.value).endswith(f"decorate a class with @injectable() in package {package}")


SCRIPT = """
from service_core.di import Environment, injectable, module
import {}
@injectable()
class Here: ...
@module()
class Main: ...
def names():
    environment = Environment(Main)
    return sorted(cls.__name__ for cls in environment.catalog.injectables() if environment.provides(cls))
if __name__ == "__main__":
    print(names())
"""


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(["script.py"], "['Here']"), (["-m", "script"], "['Here']"), (["-m", "pack.script"], "['Here', 'There']")],
)
def test_a_module_in_a_script_brings_the_classes_of_the_script(
    arguments: list[str], expected: str, tmp_path: Path
) -> None:
    there = "from service_core.di import injectable\n@injectable()\nclass There: ...\n"
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "other.py").write_text(there)
    (tmp_path / "pack" / "script.py").write_text(SCRIPT.format("pack.other"))
    (tmp_path / "script.py").write_text(SCRIPT.format("pack.other"))
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stdout.strip() == expected, done.stderr


def test_code_that_belongs_to_no_file_has_modules_too(tmp_path: Path) -> None:
    script = tmp_path / "text.py"
    script.write_text(SCRIPT.format("sys"))
    assert runpy.run_path(str(script), run_name="a_name_that_is_not_imported")["names"]() == ["Here"]
