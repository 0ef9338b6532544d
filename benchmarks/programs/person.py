"""The value with 14 fields that every contestant sends. Standard library only."""

from __future__ import annotations

from typing import Any

__all__ = ["PERSON"]

PERSON: dict[str, Any] = {
    "id": 4711,
    "name": "Ada Lovelace",
    "description": "analyst and metaphysician",
    "street": "12 St James's Square",
    "city": "London",
    "zip_code": "SW1Y 4JH",
    "country": "United Kingdom",
    "email": "ada@example.org",
    "phone": "+44 20 7946 0000",
    "age": 36,
    "score": 0.97,
    "balance": 1815.12,
    "active": True,
    "tags": ["mathematics", "engine", "poetry"],
}
