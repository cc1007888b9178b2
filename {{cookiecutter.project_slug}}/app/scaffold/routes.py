"""Things over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import json_answer, or_unchanged, unless_known
from app.api.pages import AfterNumber, Limit, Page, page_of
from app.domain.things.actions import AddThing, ThingAdded
from app.domain.things.state import Thing
from app.wire.tagged import Untagged

router = APIRouter(prefix="/things", tags=["things"])


# Add a route for each command like this one; the policy is asked when the command is decided.
# Answer with its event: that is the same when the command is sent again, and the State is not. It
# has no `ETag` here, which would be one of the list at the same address.
@router.post("", status_code=201, responses={201: {"model": ThingAdded}})
async def add_thing(
    command: Annotated[AddThing, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Add one; the answer is what was added, and the id that it has got."""
    outcome = await door.dispatch(command, id=id)
    (added,) = [e.event for e in outcome.events if isinstance(e.event, ThingAdded)]
    return json_answer(added, status=201)


# What is read goes past the Store's gate: ask the policy in each such route. `page` is not called
# for whoever has it already, or has read too much: what takes its time belongs in it.
@router.get("", responses=or_unchanged(Page[Thing]))
async def list_things(
    request: Request,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> Response:
    """A page of them, first added first; `next` is the `after` of the next page."""
    require_may_hear(sender, "things")

    def page() -> Page[Thing]:
        return page_of(store.state.things.after(after), limit, lambda _: after + limit)

    return unless_known(request, store, sender, page)
