"""x"""
from .scripted import VALUE


def test_x() -> None:
    assert VALUE == 1
