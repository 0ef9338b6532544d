# mypy: ignore-errors
"""The model that NATS carries; NATS itself has none."""

from __future__ import annotations

from pydantic import TypeAdapter

from benchmarks.programs.ours_values import Person

__all__ = ["PERSON_TYPE"]

PERSON_TYPE = TypeAdapter(Person)
