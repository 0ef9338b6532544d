"""The form of the frames: four bytes of length, and the content."""

from __future__ import annotations

__all__ = ["Frames"]


class Frames:
    """Reads frames of one connection."""

    def __init__(self) -> None:
        self._rest = b""

    @staticmethod
    def write(content: bytes) -> bytes:
        """A frame."""
        return len(content).to_bytes(4, "big") + content

    def feed(self, data: bytes) -> list[bytes]:
        """The contents of the frames that are complete."""
        data, place, found = self._rest + data, 0, list[bytes]()
        while len(data) - place >= 4:
            end = place + 4 + int.from_bytes(data[place : place + 4], "big")
            if end > len(data):
                break
            found.append(data[place + 4 : end])
            place = end
        self._rest = data[place:]
        return found
