"""What a change of an interface does to callers and servers of two versions. Pure: descriptions in, changes out."""

from service_cli.diffing.components import compare
from service_cli.diffing.verdicts import Callers, Change, Effect, Verdict

__all__ = ["Callers", "Change", "Effect", "Verdict", "compare"]
