"""The one Store, as routes and the socket ask for it."""

from typing import Annotated, TypeAlias

from fastapi import Depends
from starlette.requests import HTTPConnection

from app.domain import Command, Event, State
from app.runtime.group import Outcome as OutcomeOf
from app.runtime.group import Then as ThenOf
from app.runtime.store import Store

AppStore: TypeAlias = Store[State, Command, Event]
Outcome: TypeAlias = OutcomeOf[State, Event]
Then: TypeAlias = ThenOf[State, Event]


async def store(connection: HTTPConnection) -> AppStore:
    """The Store of the application that serves this connection."""
    found: AppStore = connection.app.state.store
    return found


TheStore = Annotated[AppStore, Depends(store)]
