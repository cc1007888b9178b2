"""A connection that takes everything, and keeps with which codes it was closed."""

from app.live.message import Outgoing


class Codes:
    """Stands where a session has its connection."""

    def __init__(self) -> None:
        self.codes: list[int] = []

    def write(self, message: Outgoing) -> None:
        """It takes whatever it is told."""

    def close(self, code: int, reason: str) -> None:
        """Keep it."""
        self.codes.append(code)
