"""Batches over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import entity_tag, json_answer, or_unchanged, unless_known
from app.api.pages import AfterNumber, Limit, Page, page_of
from app.core.rejected import Code, Rejected
from app.domain.ids import Id
from app.domain.jobs.actions import (
    BatchProcessCancelled,
    BatchProcessStarted,
    CancelBatch,
    StartBatch,
)
from app.domain.jobs.state import Batch
from app.wire.tagged import Untagged

router = APIRouter(prefix="/jobs", tags=["jobs"])


@router.post("", status_code=201, responses={201: {"model": BatchProcessStarted}})
async def start_batch(
    command: Annotated[StartBatch, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Start a batch; the answer names it, and says where its progress can be read."""
    outcome = await door.dispatch(command, id=id)
    (started,) = [e.event for e in outcome.events if isinstance(e.event, BatchProcessStarted)]
    headers = entity_tag(outcome.seq, door.epoch, door.sender)
    headers["Location"] = f"/api/v1/jobs/{started.batch_id}"
    return json_answer(started, status=201, headers=headers)


@router.get("", responses=or_unchanged(Page[Batch]))
async def list_batches(
    request: Request,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> Response:
    """A page of the batches, first started first; `next` is the `after` of the next page."""
    require_may_hear(sender, "jobs")

    def page() -> Page[Batch]:
        return page_of(store.state.jobs.after(after), limit, lambda batch: batch.number)

    return unless_known(request, store, sender, page)


@router.get("/{batch_id}", responses=or_unchanged(Batch))
async def get_batch(request: Request, batch_id: str, store: TheStore, sender: Sender) -> Response:
    """One batch, and how far it has come."""
    require_may_hear(sender, "jobs")
    batch = store.state.jobs.get(batch_id)
    if batch is None:
        raise Rejected(Code.NOT_FOUND, f"batch {batch_id} does not exist")
    return unless_known(request, store, sender, lambda: batch)


@router.post("/{batch_id}/cancel", responses={200: {"model": BatchProcessCancelled}})
async def cancel_batch(batch_id: Id, door: TheDoor, id: CommandId = None) -> Response:
    """Give up what is not done of a batch."""
    outcome = await door.dispatch(CancelBatch(batch_id), id=id)
    (cancelled,) = [e.event for e in outcome.events if isinstance(e.event, BatchProcessCancelled)]
    return json_answer(cancelled, headers=entity_tag(outcome.seq, door.epoch, door.sender))
