"""What the service must know before it opens its doors."""

import structlog

from app.access import origin, tokens
from app.core.rejected import StartRefused
from app.settings import Env, Settings, unknown_settings

log = structlog.get_logger("app")


def require_safe(settings: Settings) -> None:
    """Raise StartRefused, which names every setting that would let in whoever must stay outside."""
    problems = [*tokens.problems(settings), *origin.problems(settings)]
    if problems:
        raise StartRefused("; ".join(problems))


def warn_of(settings: Settings) -> None:
    """Say what is allowed, and may not be meant."""
    for name in unknown_settings():
        log.warning("there is no such setting: is it misspelt?", name=name)
    if settings.is_open:
        log.warning("development: whoever reaches this service is an operator", env=settings.env)
    if settings.env is Env.PRODUCTION and settings.event_log == "memory://":
        log.warning("what is stored is lost when the service ends", event_log=settings.event_log)
