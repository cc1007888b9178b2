"""The rules of documents."""

import json
from typing import Annotated, Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as some
from pydantic import TypeAdapter, ValidationError

from app.core.principal import Principal, Role
from app.core.rejected import Code, Rejected
from app.domain.documents.actions import (
    LONGEST,
    Change,
    Delete,
    DocumentUpdated,
    EditDocument,
    Insert,
)
from app.domain.documents.reducer import DOCUMENTS_OF_A_USER, changed, require_inside
from app.domain.documents.state import SHOWN, SHOWN_CHARACTERS, Document, view
from app.wire import problems
from app.wire.tagged import ExternallyTagged
from tests.scenario import given

ALICE = Principal("alice", Role.CUSTOMER)
HELLO = (Insert("insert", 0, "hello"),)
WRITTEN = DocumentUpdated("notes", HELLO, "alice", 1)
EDITS: TypeAdapter[EditDocument] = TypeAdapter(Annotated[EditDocument, ExternallyTagged()])


def test_a_document_that_nobody_edited_is_empty_and_at_version_0() -> None:
    assert given().state.documents.get("notes") == Document("notes", 0, "")


def test_a_user_begins_so_many_documents_and_no_more() -> None:
    begun = (f"d{number}" for number in range(DOCUMENTS_OF_A_USER))
    all_of_hers = given(*(DocumentUpdated(name, HELLO, "alice", 1) for name in begun))
    more, known = EditDocument("more", 0, HELLO), EditDocument("d7", 1, HELLO)

    all_of_hers.when(more, by=ALICE).then_rejected(
        Code.CONFLICT, "alice has begun 10000 documents already"
    )
    all_of_hers.when(known, by=ALICE).then(DocumentUpdated("d7", HELLO, "alice", 2))


def test_however_many_documents_one_user_has_begun_others_begin_more() -> None:
    begun = (f"d{number}" for number in range(DOCUMENTS_OF_A_USER))
    flood = given(*(DocumentUpdated(name, HELLO, "mallory", 1) for name in begun))
    edit = EditDocument("more", 0, HELLO)

    flood.when(edit, by=ALICE).then(DocumentUpdated("more", HELLO, "alice", 1))


def test_a_document_is_begun_by_its_first_editor() -> None:
    again = DocumentUpdated("notes", HELLO, "bob", 2)

    documents = given(WRITTEN, again).state.documents

    assert (documents.begun_by("alice"), documents.begun_by("bob")) == (1, 0)


def test_an_edit_is_the_next_version_by_whoever_sent_it() -> None:
    edit = EditDocument("notes", 0, HELLO)

    given().when(edit, by=ALICE).then(DocumentUpdated("notes", HELLO, "alice", 1))


def test_an_edit_of_the_current_version_is_applied_to_its_text() -> None:
    more = (Insert("insert", 5, " world"), Delete("delete", 0, 1), Insert("insert", 0, "J"))
    edit = EditDocument("notes", 1, more)
    written = given(WRITTEN)

    written.when(edit, by=ALICE).then(DocumentUpdated("notes", more, "alice", 2))
    after = given(WRITTEN, DocumentUpdated("notes", more, "alice", 2)).state.documents
    assert after.get("notes") == Document("notes", 2, "Jello world")


def test_an_edit_of_another_version_than_the_current_one_is_a_conflict_that_names_it() -> None:
    again = DocumentUpdated("notes", HELLO, "bob", 2)
    written = given(WRITTEN, again)

    stale = written.when(EditDocument("notes", 1, HELLO))
    early = written.when(EditDocument("notes", 3, HELLO))
    unborn = written.when(EditDocument("other", 1, HELLO))

    stale.then_rejected(Code.CONFLICT, "document notes is at version 2, not 1")
    early.then_rejected(Code.CONFLICT, "document notes is at version 2, not 3")
    unborn.then_rejected(Code.CONFLICT, "document other is at version 0, not 1")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((Insert("insert", 6, "x"),), "changes[0]: position 6 is outside of the text"),
        ((Delete("delete", 5, 1),), "changes[0]: position 6 is outside of the text"),
        ((Delete("delete", 0, 5), Delete("delete", 0, 1)), "changes[1]: position 1 is outside"),
        ((Delete("delete", 0, 9),), "which has 5 characters there"),
    ],
)
def test_a_position_outside_of_the_text_is_invalid_and_named(
    changes: tuple[Change, ...], words: str
) -> None:
    given(WRITTEN).when(EditDocument("notes", 1, changes)).then_rejected(Code.INVALID, words)


def test_the_field_whose_position_is_outside_is_named_to_programs_too() -> None:
    with pytest.raises(Rejected) as refusal:
        require_inside("hello", (*HELLO, Insert("insert", 11, "x")))

    assert [field.loc for field in refusal.value.fields] == ["changes[1]"]


def test_positions_count_characters_not_bytes() -> None:
    text = "a\N{GRINNING FACE}\N{LATIN SMALL LETTER E WITH ACUTE}z"

    assert changed(text, Delete("delete", 1, 2)) == "az"
    assert changed(text, Insert("insert", 3, "-")) == f"{text[:3]}-z"
    assert require_inside(text, (Insert("insert", 4, "!"),)) == f"{text}!"


def test_a_document_has_100_000_characters_at_most() -> None:
    full = DocumentUpdated("notes", (Insert("insert", 0, "x" * LONGEST),), "alice", 1)
    one_more = (Insert("insert", 0, "y"),)
    instead = (*one_more, Delete("delete", LONGEST, 1))

    given(full).when(EditDocument("notes", 1, one_more)).then_rejected(
        Code.CONFLICT, "document notes would have 100001 characters, 100000 at most"
    )
    given(full).when(EditDocument("notes", 1, instead), by=ALICE).then(
        DocumentUpdated("notes", instead, "alice", 2)
    )


def test_documents_are_listed_in_the_order_of_their_first_edits() -> None:
    first, second = (DocumentUpdated(name, HELLO, "alice", 1) for name in "ba")
    documents = given(first, second, DocumentUpdated("b", HELLO, "bob", 2)).state.documents

    assert [(each.doc_id, each.version) for each in documents.after(0)] == [("b", 2), ("a", 1)]
    assert [each.doc_id for each in documents.after(1)] == ["a"]


def test_a_view_shows_the_documents_edited_last() -> None:
    edits = [DocumentUpdated(f"d{number}", HELLO, "alice", 1) for number in range(SHOWN + 5)]
    again = DocumentUpdated("d2", HELLO, "alice", 2)

    shown = view(given(*edits, again).state.documents, ALICE)

    assert len(shown) == SHOWN
    assert [each.doc_id for each in shown[:2]] == ["d2", f"d{SHOWN + 4}"]
    assert shown[0] == Document("d2", 2, "hellohello")


def test_a_view_is_no_longer_than_its_readers_can_bear() -> None:
    long = (Insert("insert", 0, "x" * LONGEST),)
    documents = given(*(DocumentUpdated(name, long, "a", 1) for name in "abcd")).state.documents

    shown = view(documents, ALICE)

    assert [each.doc_id for each in shown] == ["d", "c"]
    assert sum(len(each.text) for each in shown) <= SHOWN_CHARACTERS


@examples(some.text(max_size=20), some.data())
def test_what_is_inserted_can_be_deleted_again(text: str, data: Any) -> None:
    at = data.draw(some.integers(0, len(text)))
    new = data.draw(some.text(min_size=1, max_size=5))
    there_and_back = (Insert("insert", at, new), Delete("delete", at, len(new)))

    assert require_inside(text, there_and_back) == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"op": "replace", "at": 1}, "field 'changes[0]': op should be 'insert' or 'delete'"),
        ({"at": 1, "text": "x"}, "field 'changes[0]': op should be 'insert' or 'delete'"),
        ({"op": "delete", "at": 1}, "missing required field 'changes[0].delete.count'"),
        ({"op": "insert", "at": 1, "text": "x", "count": 1}, "unknown field 'changes[0].insert"),
        ({"op": "insert", "at": -1, "text": "x"}, "field 'changes[0].insert.at': Input should be"),
        ({"op": "insert", "at": 0, "text": ""}, "field 'changes[0].insert.text': "),
        ("insert", "field 'changes[0]': Input should be an object"),
    ],
)
def test_a_change_that_does_not_fit_is_told_what_its_own_kind_wants(
    change: object, message: str
) -> None:
    edit = {"EditDocument": {"doc_id": "notes", "base_version": 0, "changes": [change]}}

    with pytest.raises(ValidationError) as problem:
        EDITS.validate_json(json.dumps(edit))

    words = problems.rejected(problem.value.errors()).message
    assert words.startswith(f"Invalid action format: {message}")


def test_changes_are_read_and_written_as_the_wire_has_them() -> None:
    changes = [{"op": "insert", "at": 3, "text": "x"}, {"op": "delete", "at": 3, "count": 2}]
    edit = {"EditDocument": {"doc_id": "notes", "base_version": 4, "changes": changes}}

    read = EDITS.validate_json(json.dumps(edit))

    assert read.changes == (Insert("insert", 3, "x"), Delete("delete", 3, 2))
    assert json.loads(EDITS.dump_json(read)) == edit
