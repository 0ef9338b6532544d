"""What do large values cost: a megabyte of bytes, and a list of ten thousand models?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

_BLOB: Final = {"ours": "blob/dispatch-msgpack", "aspyx": "blob/dispatch-msgpack", "grpc": "blob"}
_MODELS: Final = {"ours": "models/dispatch-msgpack", "aspyx": "models/dispatch-msgpack", "grpc": "models"}
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)


def _entry(cases: dict[str, str], station: str, size: int) -> Entry:
    return Entry(station=station, case=cases[station], size=size)


BLOB: Final = {station: _entry(_BLOB, station, 1_000_000) for station in _BLOB}
MODELS: Final = {station: _entry(_MODELS, station, 10_000) for station in _MODELS}
JSON: Final = {
    station: Entry(station=station, case="models/dispatch-json", size=10_000) for station in ("ours", "aspyx")
}

FLOOR: Final = Entry(station="floor", case="echo", size=1_000_000)

QUESTION: Final = Question(
    name="payload",
    title="large values: bytes, a list of models",
    entries=(FLOOR, *BLOB.values(), *MODELS.values(), *JSON.values()),
    goals=(
        at_most(1 / 5, BLOB["ours"], BLOB["aspyx"]),
        at_most(1 / 5, MODELS["ours"], MODELS["aspyx"]),
        at_most(1 / 5, JSON["ours"], JSON["aspyx"]),
    ),
    sweep=(
        *(_entry(_BLOB, station, size) for station in _BLOB for size in SIZES if size != 1_000_000),
        *(Entry(station="floor", case="echo", size=size) for size in SIZES if size != 1_000_000),
    ),
)
