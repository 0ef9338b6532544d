"""The formats that there are."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from service_core.wire.codec import Codec
from service_core.wire.json import JSON
from service_core.wire.msgpack import MSGPACK

CODECS: Final[Mapping[str, Codec]] = MappingProxyType({codec.content_type: codec for codec in (JSON, MSGPACK)})
"""The codecs by content type."""
