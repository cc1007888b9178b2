"""What the service must know before it opens its doors."""

from app.access import origin, tokens
from app.core.rejected import StartRefused
from app.settings import Settings


def require_safe(settings: Settings) -> None:
    """Raise StartRefused, which names every setting that would let in whoever must stay outside."""
    problems = [*tokens.problems(settings), *origin.problems(settings)]
    if problems:
        raise StartRefused("; ".join(problems))
