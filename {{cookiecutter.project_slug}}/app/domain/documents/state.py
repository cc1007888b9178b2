"""All documents, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rpds import HashTrieMap

from app.core.principal import Principal
from app.domain.persistent_list import PersistentList

SHOWN = 50
SHOWN_CHARACTERS = 250_000


@dataclass(frozen=True, slots=True)
class Document:
    """One document; while nobody has edited it, it is empty and at version 0."""

    doc_id: str
    version: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents by id, with the ids in the order of their first edits.

    `recent` are the ids of the documents edited last, at most 50, the latest first. `begun` says
    how many each user was the first to edit.
    """

    by_id: HashTrieMap[str, Document] = HashTrieMap()
    ids: PersistentList[str] = PersistentList()
    recent: tuple[str, ...] = ()
    begun: HashTrieMap[str, int] = HashTrieMap()

    def get(self, doc_id: str) -> Document:
        """The document, which always exists."""
        return self.by_id.get(doc_id) or Document(doc_id)

    def begun_by(self, user_id: str) -> int:
        """How many documents the user was the first to edit."""
        return self.begun.get(user_id, 0)

    def edited(self, document: Document, user_id: str) -> Documents:
        """These documents with one of them edited by this user, be it for the first time."""
        doc_id, ids, begun = document.doc_id, self.ids, self.begun
        if doc_id not in self.by_id:
            ids, begun = ids.added(doc_id), begun.insert(user_id, self.begun_by(user_id) + 1)
        recent = (doc_id, *(other for other in self.recent if other != doc_id))
        return Documents(self.by_id.insert(doc_id, document), ids, recent[:SHOWN], begun)

    def after(self, position: int) -> Iterator[Document]:
        """Documents in the order of their first edits, but for so many at the beginning."""
        for doc_id in self.ids.after(position):
            yield self.by_id[doc_id]


def view(documents: Documents, principal: Principal) -> list[Document]:
    """What a client starts from: the documents edited last, the latest first.

    At most 50, and no more than have 250,000 characters together; all others are read one by one.
    """
    shown: list[Document] = []
    room = SHOWN_CHARACTERS
    for doc_id in documents.recent:
        document = documents.by_id[doc_id]
        room -= len(document.text)
        if room < 0:
            break
        shown.append(document)
    return shown
