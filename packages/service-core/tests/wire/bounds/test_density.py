"""Which requests may need far more memory than their bytes."""

from __future__ import annotations

from typing import Any

import pytest

from service_core.wire import JSON, MSGPACK, WireType

PERSON = {
    "id": 12345,
    "name": "Ada Lovelace",
    "description": "Wrote the first program, for a machine that was never built.",
    "street": "St James's Square 12",
    "email": "ada@example.com",
    "score": 1.5,
    "tags": ["mathematics", "poetry"],
}
TEXT = "A text of sentences, with commas: as people write them. " * 100
ANY = WireType(Any, "value")


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("value", [[PERSON] * 100, TEXT], ids=["models", "text"])
def test_ordinary_values_are_not_dense(codec: Any, value: Any) -> None:
    assert not codec.is_dense(codec.write_value(ANY, value))


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize("value", [[{}] * 100, [[0]] * 100, [{"name": ""}] * 100, [1000] * 100, ["ab"] * 100])
def test_many_small_values_are_dense(codec: Any, value: Any) -> None:
    assert codec.is_dense(codec.write_value(ANY, value))


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
def test_memory_is_that_of_lists_maps_and_values(codec: Any) -> None:
    maps, numbers = codec.write_value(ANY, [{}] * 1000), codec.write_value(ANY, [1000] * 1000)
    assert codec.memory(maps) >= 600 * 1000
    assert 50 * 1000 <= codec.memory(numbers) < 300 * 1000


@pytest.mark.parametrize("codec", [JSON, MSGPACK])
@pytest.mark.parametrize(
    "text", ["[{,:" * 1000, "数" * 1000, '"\\"[{' * 1000], ids=["brackets", "characters", "escapes"]
)
def test_contents_of_texts_are_no_values(codec: Any, text: str) -> None:
    assert codec.memory(codec.write_value(ANY, [text])) == codec.memory(codec.write_value(ANY, ["a"]))
