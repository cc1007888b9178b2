"""The rules of documents: what a command may do, and what an event changes.

Whoever edits says which version they saw. If another is current, they are told so, and nothing
of anybody's work is lost: they look at what came between, and send their changes anew.
"""

from functools import reduce as fold
from typing import Never, assert_never

from app.core.effects import Append, Effects
from app.core.environment import Environment
from app.core.rejected import Code, FieldProblem, Rejected
from app.domain.documents.actions import (
    LONGEST,
    Change,
    Changes,
    Delete,
    DocumentAction,
    DocumentEvent,
    DocumentUpdated,
    EditDocument,
    Insert,
)
from app.domain.documents.state import Document, Documents

DOCUMENTS_OF_A_USER = 10_000


def reduce(
    state: Documents, action: DocumentAction, env: Environment
) -> tuple[Documents, Effects[DocumentEvent, Never]]:
    """Decide a command, or apply an event."""
    match action:
        case EditDocument():
            document = state.get(action.doc_id)
            require_current(document, action.base_version)
            require_place(state, document, env.by.name)
            require_room(document, require_inside(document.text, action.changes))
            return state, [Append(updated(document, action.changes, env))]

        case DocumentUpdated():
            text = fold(changed, action.changes, state.get(action.doc_id).text)
            document = Document(action.doc_id, action.version, text)
            return state.edited(document, action.user_id), []

        case _:
            assert_never(action)


def updated(document: Document, changes: Changes, env: Environment) -> DocumentUpdated:
    """The document's next version, by whoever sent the command."""
    return DocumentUpdated(document.doc_id, changes, env.by.name, document.version + 1)


def changed(text: str, change: Change) -> str:
    """The text after one change."""
    match change:
        case Insert():
            return text[: change.at] + change.text + text[change.at :]
        case Delete():
            return text[: change.at] + text[change.at + change.count :]
        case _:
            assert_never(change)


def require_current(document: Document, base_version: int) -> None:
    """Changes are to the current version of a document, not to an older one."""
    if document.version != base_version:
        stale = f"document {document.doc_id} is at version {document.version}, not {base_version}"
        raise Rejected(Code.CONFLICT, stale)


def require_place(state: Documents, document: Document, user_id: str) -> None:
    """So many documents are begun by one user, and no more: others are not kept from theirs."""
    if document.version == 0 and state.begun_by(user_id) >= DOCUMENTS_OF_A_USER:
        begun = f"{user_id} has begun {DOCUMENTS_OF_A_USER} documents already"
        raise Rejected(Code.CONFLICT, begun)


def require_inside(text: str, changes: Changes) -> str:
    """Every change stays inside the text that the changes before it leave; the text after all."""
    for place, change in enumerate(changes):
        end = change.at + change.count if isinstance(change, Delete) else change.at
        if end > len(text):
            why = f"position {end} is outside of the text, which has {len(text)} characters there"
            loc = f"changes[{place}]"
            raise Rejected(Code.INVALID, f"{loc}: {why}", fields=(FieldProblem(loc, why),))
        text = changed(text, change)
    return text


def require_room(document: Document, text: str) -> None:
    """No document has more than 100,000 characters."""
    if len(text) > LONGEST:
        long = f"document {document.doc_id} would have {len(text)} characters, {LONGEST} at most"
        raise Rejected(Code.CONFLICT, long)
