"""What does it cost to start?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

IMPORT: Final = Entry(station="startup", case="import service_core", unit="ms")
BOOT: Final = Entry(station="startup", case="boot", unit="ms")

QUESTION: Final = Question(
    name="startup",
    title="import, and boot with 100 services",
    entries=(IMPORT, BOOT),
    goals=(at_most(150, IMPORT), at_most(300, BOOT)),
)
