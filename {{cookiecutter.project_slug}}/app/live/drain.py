"""Stopping in order: what is under way ends and is told, and only then is everybody sent away."""

from app.live.live import Live

GOODBYE_SECONDS = 2.0


async def drain(live: Live, seconds: float) -> None:
    """End within so many seconds; what could not be finished goes on at the next start."""
    goodbye = min(GOODBYE_SECONDS, seconds / 2)
    await live.store.close(seconds - goodbye)
    await live.sessions.drain(goodbye)
