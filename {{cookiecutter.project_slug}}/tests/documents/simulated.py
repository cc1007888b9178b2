"""Documents in a simulation."""

from collections import Counter
from random import Random

from app.core.principal import Principal
from app.domain import Command, State
from app.domain.documents.actions import Change, Delete, DocumentUpdated, EditDocument, Insert
from app.domain.documents.reducer import changed
from tests.simulation.features import Story


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
    """Every document that is listed was edited, and somebody was the first to do so."""
    assert all(document.version > 0 for document in state.documents.after(0))
    assert sum(state.documents.begun.values()) == len(state.documents.ids)


def finish(story: Story) -> None:
    """A document has as many versions as edits, each of the one before, and the text of all."""
    versions: Counter[str] = Counter()
    texts: dict[str, str] = {}
    for event in story.events.values():
        if isinstance(event, DocumentUpdated):
            versions[event.doc_id] += 1
            assert event.version == versions[event.doc_id]
            for change in event.changes:
                texts[event.doc_id] = changed(texts.get(event.doc_id, ""), change)
    for decided in story.decided:
        if isinstance(decided.command, EditDocument):
            (event,) = decided.events.values()
            assert isinstance(event, DocumentUpdated)
            assert event.version == decided.command.base_version + 1
    documents = {each.doc_id: each for each in story.state.documents.after(0)}
    assert {doc_id: each.version for doc_id, each in documents.items()} == versions
    assert {doc_id: each.text for doc_id, each in documents.items()} == texts
