"""The world outside, as tasks see it: every port by name, and what one attempt must know."""

from dataclasses import dataclass

# {%- if cookiecutter.starter == "showcase" +%}

from app.core.mail import Mail
from app.core.work import Work
# {%- endif +%}


@dataclass(frozen=True, slots=True)
class Ports:
    """What tasks may call; `adapters/` holds what is behind each, and tests hand in their own."""

    # {%- if cookiecutter.starter == "showcase" +%}

    mail: Mail
    work: Work
    # {%- endif +%}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a task.

    `origin` names the effect and is the same at every attempt: hand it to the outside as
    idempotency key, because a task is performed again when its end was not stored. `given` is how
    many of a Stream's commands are stored already.
    """

    origin: str
    given: int = 0


class Unavailable(Exception):
    """Raised by a port for what may succeed later; anything else is not tried again."""
