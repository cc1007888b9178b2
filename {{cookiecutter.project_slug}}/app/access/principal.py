"""Who is asking, at both doors. The place to plug in your own identity."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.core.principal import Principal, Role
from app.settings import Env, Settings


async def principal(connection: HTTPConnection) -> Principal:
    """The principal of a request or a socket: anonymous, until you say how to know better.

    In development the anonymous principal is an operator, so that everything can be tried; in
    production it may do what `domain/policy.py` gives to Role.ANONYMOUS, which is nothing.
    """
    settings: Settings = connection.app.state.settings
    role = Role.OPERATOR if settings.env is Env.DEVELOPMENT else Role.ANONYMOUS
    return Principal("anonymous", role)


Sender = Annotated[Principal, Depends(principal)]
