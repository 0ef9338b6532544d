"""What does it cost that the server runs a sync method in a worker thread?"""

from typing import Final

from benchmarks.entries import Entry, Question, at_most
from benchmarks.questions.hello import MSGPACK

BLOCKING: Final = Entry(station="ours", case="blocking/dispatch-msgpack")

QUESTION: Final = Question(
    name="worker",
    title="sync method on the server, against an async one",
    entries=(MSGPACK, BLOCKING),
    goals=(at_most(1.4, BLOCKING, MSGPACK),),
)
