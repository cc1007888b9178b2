"""The event log for an operator: what happened, what was known then, and a moment as a test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeAlias

import orjson
from annotated_types import Ge, Le
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.requests import HTTPConnection

from app.access.confidential import ShownEntry, may_see, shown
from app.access.door import TheDoor
from app.access.gate import require_may_read_log
from app.access.principal import Sender
from app.access.store import AppStore, TheStore
from app.access.subscription import may_hear_of
from app.api.answers import UNSTORED, counted, json_answer, require_may_read_more
from app.api.pages import PAGE_BYTES
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.domain import VIEWS, Command, Event, State
from app.runtime.event_log.port import Entry
from app.runtime.history import History
from app.runtime.scenario import scenario_at
from app.wire import codec
from app.wire.as_test import as_test
from app.wire.views import Views

ENTRIES_A_READ = 100  # of big ones a page has room for a few only
LAST = 2**53  # a bigger whole number is none in JavaScript

AppHistory: TypeAlias = History[State, Command, Event]
Limit: TypeAlias = Annotated[int, Ge(1), Le(500), Query(description="so many at most")]
Place: TypeAlias = Annotated[int, Ge(1), Le(LAST), Path(description="a position of the log")]
Moment: TypeAlias = Annotated[int, Ge(0), Le(LAST), Path(description="0 is before the first entry")]
Bound: TypeAlias = Annotated[int, Ge(0), Le(LAST)]
PYTHON = "text/x-python"


@dataclass(frozen=True, slots=True)
class Entries:
    """Some entries of the log; `next` is where the next page begins or ends, if there is one."""

    epoch: str
    seq: int
    items: list[ShownEntry]
    next: int | None


@dataclass(frozen=True, slots=True)
class PastState:
    """The views after the entry at a position; and as they were before it, those it has changed."""

    epoch: str
    position: int
    state: Views
    before: Views


async def history(connection: HTTPConnection) -> AppHistory:
    """The past of the application that serves this request."""
    found: AppHistory = connection.app.state.history
    return found


TheHistory = Annotated[AppHistory, Depends(history)]

router = APIRouter(prefix="/log", tags=["operation"])


@router.get("", responses={200: {"model": Entries}})
async def list_entries(
    request: Request,
    store: TheStore,
    past: TheHistory,
    sender: Sender,
    after: Annotated[Bound | None, Query(description="begin after it, oldest first")] = None,
    before: Annotated[Bound | None, Query(description="end before it")] = None,
    limit: Limit = 100,
) -> Response:
    """Entries after a position, oldest first; without `after`, the newest first.

    `next` is the `after` of the next page, or its `before`. Of big entries there are fewer on a
    page. Of what only others may hear, names are told and nothing else: `withheld` says of which
    parts.
    """
    require_may_read_log(sender)
    require_may_read_more(request, sender)
    end = min(store.seq, store.seq if before is None else before - 1)
    if after is None:
        begin = max(0, end - limit)
        entries = await _few(past, begin, end, newest_first=True)
        following = entries[-1].position if entries and entries[-1].position > 1 else None
    else:
        entries = await _few(past, after, min(end, after + limit), newest_first=False)
        following = entries[-1].position if entries and entries[-1].position < end else None
    items = [shown(sender, entry) for entry in entries]
    answer = json_answer(Entries(store.epoch, store.seq, items, following))
    return counted(request, sender, answer)


@router.get("/{position}/state", responses={200: {"model": PastState}})
async def state_at(
    request: Request, position: Moment, store: TheStore, past: TheHistory, door: TheDoor
) -> Response:
    """Every view that the sender may see, as it was then.

    `before` has those that the entry at this position has changed, as they were before it.
    """
    _admit(door, store, position)
    async with past.turn():
        earlier = await past.state_at(max(0, position - 1), request.is_disconnected)
        state = await past.state_at(position, request.is_disconnected)
    now, then = _views(state, door.sender), _views(earlier, door.sender)
    views = {name: orjson.Fragment(view) for name, view in now.items()}
    before = {name: orjson.Fragment(then[name]) for name in now if then[name] != now[name]}
    return json_answer(PastState(store.epoch, position, views, before))


@router.get(
    "/{position}/test",
    response_class=Response,
    responses={200: {"content": {PYTHON: {"schema": {"type": "string"}}}}},
)
async def test_of(
    request: Request, position: Place, store: TheStore, past: TheHistory, door: TheDoor
) -> Response:
    """What was decided at a position as a test in Python, to be put into `tests/`.

    There is none where nothing was decided, where today's rules decide otherwise, and where it is
    somebody else's.
    """
    _admit(door, store, position)
    seen = partial(may_see, door.sender)
    async with past.turn():
        scenario = await scenario_at(past, position, seen, request.is_disconnected)
        text = as_test(scenario)
    name = f'inline; filename="test_position_{scenario.moment.position}.py"'
    return Response(text, headers=UNSTORED | {"Content-Disposition": name}, media_type=PYTHON)


async def _few(past: AppHistory, after: int, end: int, *, newest_first: bool) -> list[Entry]:
    """Entries from the one after a position to the one at `end`: as many as a page has room for."""
    found: list[Entry] = []
    room = PAGE_BYTES
    while after < end:
        size = min(ENTRIES_A_READ, end - after)
        if newest_first:
            end -= size
            entries = (await past.entries(end, size))[::-1]
        else:
            entries = await past.entries(after, size)
            after += size
        for entry in entries:
            parts = entry.action, entry.event, entry.effects, entry.outcome
            room -= sum(len(part) for part in parts if part is not None)
            if found and room < 0:
                return found
            found.append(entry)
    return found


def _admit(door: TheDoor, store: AppStore, position: int) -> None:
    """Reading the past is work: it counts as a command does."""
    door.admit()
    require_may_read_log(door.sender)
    if position > store.seq:
        told = f"there is no position {position}: the event log ends at {store.seq}"
        raise Rejected(Code.NOT_FOUND, told)


def _views(state: State, reader: Principal) -> Mapping[str, bytes]:
    return {
        name: codec.encode(view(state, reader))
        for name, view in VIEWS.items()
        if may_hear_of(reader, name)
    }
