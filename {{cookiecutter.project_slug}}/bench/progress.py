"""A bar of progress, for whoever looks at a terminal."""

import sys
from time import monotonic

WIDTH = 30
SECONDS = 0.1


class Progress:
    """One line on stderr that is written over."""

    def __init__(self) -> None:
        self._is_seen = sys.stderr.isatty()
        self._shown = 0.0

    def show(self, part: float, words: str) -> None:
        """How much is done, from 0 to 1."""
        if self._is_seen and (part >= 1 or monotonic() - self._shown > SECONDS):
            self._shown = monotonic()
            bar = "█" * round(part * WIDTH)
            sys.stderr.write(f"\r{bar:·<{WIDTH}} {part:4.0%} {words}\033[K")
            sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._is_seen:
            sys.stderr.write("\r\033[K")
