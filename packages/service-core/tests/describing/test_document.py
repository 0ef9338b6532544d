"""The document of a description."""

from __future__ import annotations

import pytest

from service_core.describing import Description, read_description, write_description


def test_members_of_later_versions_are_ignored() -> None:
    assert read_description('{"format": 1, "components": [], "later": true}') == Description()


@pytest.mark.parametrize("data", ["", "[]", "<html>", '{"components": [{}]}'])
def test_what_is_no_description_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="no description of services"):
        read_description(data)


def test_a_later_format_is_refused_with_both_numbers() -> None:
    written = write_description(Description(format=2))

    with pytest.raises(ValueError, match="has format 2; this version reads format 1"):
        read_description(written)
