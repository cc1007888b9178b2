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

    `origin` names the effect and is the same at every attempt, but only within one epoch of the
    log: it is a position, and after a restore, or in another log, another effect has it. As a task
    is performed again when its end was not stored, give it an id for the outside to know it by, of
    `env.new_id()`, in the event that asks for it. `given` is how many of a Stream's commands are
    stored already.
    """

    origin: str
    given: int = 0


class Unavailable(Exception):
    """Raised by a port for what may succeed later; anything else is not tried again."""
