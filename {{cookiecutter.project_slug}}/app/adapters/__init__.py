"""What is behind each port: the one place to exchange it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.core.ports import Ports


@asynccontextmanager
async def open_ports() -> AsyncIterator[Ports]:
    """The world outside, as this service uses it, from before its first task until after its last.

    Open what your adapters share around the `yield`, and hand it to them: a client of
    `async with httpx.AsyncClient() as client:` is closed when the last task has ended. What they
    import goes into `dependencies` in pyproject.toml: httpx is there for the tests alone.
    """
    # {% if cookiecutter.starter == "showcase" %}
    from app.adapters.mail import LogMail
    from app.adapters.work import SimulatedWork

    # {% endif %}
    yield Ports(
        # one port a line
        # {% if cookiecutter.starter == "showcase" %}
        mail=LogMail(),
        work=SimulatedWork(),
        # {% endif %}
    )
