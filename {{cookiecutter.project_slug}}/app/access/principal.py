"""Who is asking, at both doors. The place to plug in your own identity."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.settings import Env, Settings

TAKEN = (Role.CUSTOMER, Role.OPERATOR)


async def principal(connection: HTTPConnection) -> Principal:
    """The principal of a request or a socket: anonymous, until you say how to know better.

    In development the anonymous principal is an operator, so that everything can be tried, and
    `?user=alice` or the header `X-User` takes another part: a customer's, or that of `role` or
    `X-Role`. In production the anonymous principal may do what `domain/policy.py` gives to
    Role.ANONYMOUS, which is nothing.
    """
    settings: Settings = connection.app.state.settings
    if settings.env is not Env.DEVELOPMENT:
        return Principal("anonymous", Role.ANONYMOUS)
    query, headers = connection.query_params, connection.headers
    name = query.get("user") or headers.get("x-user")
    if not name:
        return Principal("anonymous", Role.OPERATOR)
    role = query.get("role") or headers.get("x-role") or Role.CUSTOMER
    if len(name) > 64 or not name.isprintable():
        raise Rejected(Code.INVALID, "a user's name has 64 printable characters at most")
    if role not in TAKEN:
        wanted = " or ".join(TAKEN)
        raise Rejected(Code.INVALID, f"there is no role '{role}': a role is {wanted}")
    return Principal(name, Role(role))


Sender = Annotated[Principal, Depends(principal)]
