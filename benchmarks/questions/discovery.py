"""Does a call cost more when much is known, and what does it cost to keep watch?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most

ONE: Final = Entry(station="discovery", case="call/1 component with 10 addresses")
MANY: Final = Entry(station="discovery", case="call/one of 1,000 such components")
WATCH_CPU: Final = Entry(station="discovery", case="200 idle watches, cpu", unit="%", once=True)
WATCH_THREADS: Final = Entry(station="discovery", case="200 idle watches, threads", unit="threads", once=True)

QUESTION: Final = Question(
    name="discovery",
    title="a selector that knows much, idle watches of Consul",
    entries=(ONE, MANY, WATCH_CPU, WATCH_THREADS),
    goals=(at_most(1.25, MANY, ONE), at_most(1, WATCH_CPU), at_most(20, WATCH_THREADS)),
)
