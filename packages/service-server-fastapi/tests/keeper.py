"""A token verifier with one good token and several that fail in different ways."""

from __future__ import annotations

import asyncio
from typing import Any

from service_core import InvalidTokenException, TokenExpiredException, TokenVerifier

SECRET = "letmein-4711"


class TokenOfYesterday(TokenExpiredException):
    pass


class Keeper(TokenVerifier):
    """Knows one token, and a few that make trouble."""

    async def verify(self, token: str) -> Any:
        match token:
            case "letmein-4711":
                return "ann"
            case "old":
                raise TokenExpiredException("of yesterday: old")
            case "nobody":
                return None
            case "good":
                return True
            case "exit":
                raise SystemExit(3)
            case "cancelled":
                raise asyncio.CancelledError
            case "late":
                raise TokenOfYesterday("late")
            case "broken":
                raise ConnectionError(f"no keys for {token}")
            case "slow":
                await asyncio.Event().wait()
        raise InvalidTokenException(f"no such token: {token}")
