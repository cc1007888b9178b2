"""Documents over HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import entity_tag, json_answer, or_unchanged, unless_known
from app.api.pages import AfterNumber, Limit, Page, page_of
from app.domain.documents.actions import Changes, DocumentUpdated, EditDocument, Version
from app.domain.documents.state import Document
from app.domain.ids import Id
from app.wire.tagged import Untagged

router = APIRouter(prefix="/documents", tags=["documents"])


@dataclass(frozen=True, slots=True)
class Edit:
    """Changes to the text that the document has at this version."""

    base_version: Version
    changes: Changes


@dataclass(frozen=True, slots=True)
class ListedDocument:
    """A document without its text."""

    doc_id: str
    version: int


@router.get("", responses=or_unchanged(Page[ListedDocument]))
async def list_documents(
    request: Request,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> Response:
    """A page of the documents, first edited first; `next` is the `after` of the next page."""
    require_may_hear(sender, "documents")

    def page() -> Page[ListedDocument]:
        found = store.state.documents.after(after)
        listed = (ListedDocument(each.doc_id, each.version) for each in found)
        return page_of(listed, limit, lambda _: after + limit)

    return unless_known(request, store, sender, page)


@router.get("/{doc_id}", responses=or_unchanged(Document))
async def get_document(request: Request, doc_id: Id, store: TheStore, sender: Sender) -> Response:
    """One document as it stands: empty, and at version 0, while nobody has edited it."""
    require_may_hear(sender, f"documents:{doc_id}")
    return unless_known(request, store, sender, lambda: store.state.documents.get(doc_id))


@router.post("/{doc_id}/edits", responses={200: {"model": DocumentUpdated}})
async def edit_document(
    doc_id: Id,
    edit: Annotated[Edit, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Edit a document; the answer is the edit as all others hear of it, and its version."""
    command = EditDocument(doc_id, edit.base_version, edit.changes)
    outcome = await door.dispatch(command, id=id)
    (updated,) = [e.event for e in outcome.events if isinstance(e.event, DocumentUpdated)]
    return json_answer(updated, headers=entity_tag(outcome.seq, door.epoch, door.sender))
