"""Documents in a simulation."""

from collections import Counter
from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.documents.actions import Change, Delete, DocumentUpdated, EditDocument, Insert
from app.domain.documents.reducer import changed
from tests.simulation.features import Story

DOCUMENTS = 1
LIMITS = {"app.domain.documents.reducer": {"DOCUMENTS_OF_A_USER": DOCUMENTS}}


def command(chance: Random, state: State, principal: Principal) -> Command:
    """Edit a document, now and then one that somebody else has edited meanwhile."""
    document = state.documents.get(chance.choice(("a", "b")))
    length = len(document.text)
    change: Change = Insert("insert", chance.randint(0, length), chance.choice(("x", "words ")))
    if length and chance.random() < 0.3:
        change = Delete("delete", 0, chance.randint(1, length))
    version = max(0, document.version - (chance.random() < 0.2))
    return EditDocument(document.doc_id, version, (change,))


def check(state: State) -> None:
    """Every document is listed once and was edited, and nobody has begun too many."""
    documents = state.documents
    assert sorted(documents.ids) == sorted(documents.by_id)
    assert sorted(documents.recent) == sorted(documents.by_id)
    assert all(document.version > 0 for document in documents.after(0))
    assert all(begun <= DOCUMENTS for begun in documents.begun.values())


def finish(story: Story) -> None:
    """A document has as many versions as edits, each of the one before, and the text of all.

    Whoever edited it first has begun it.
    """
    versions: Counter[str] = Counter()
    texts: dict[str, str] = {}
    first: dict[str, str] = {}
    for _, event in story.of(DocumentUpdated):
        first.setdefault(event.doc_id, event.user_id)
        versions[event.doc_id] += 1
        assert event.version == versions[event.doc_id]
        for change in event.changes:
            texts[event.doc_id] = changed(texts.get(event.doc_id, ""), change)
    for decided in story.decided:
        if isinstance(decided.command, EditDocument):
            (edit,) = decided.events.values()
            assert isinstance(edit, DocumentUpdated)
            assert edit.user_id == decided.by.name
            assert edit.version == decided.command.base_version + 1
    assert dict(story.state.documents.begun) == Counter(first.values())
    documents = {each.doc_id: each for each in story.state.documents.after(0)}
    assert {doc_id: each.version for doc_id, each in documents.items()} == versions
    assert {doc_id: each.text for doc_id, each in documents.items()} == texts
