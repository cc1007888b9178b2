"""What can be asked of documents, and what can happen to them.

Class names are wire names and log names: rename with care (`wire/upcasters.py`).
A new field of an event needs a default, so that the log of yesterday still loads.

Positions count characters from 0, and a character is a Unicode code point: in JavaScript, whose
strings count otherwise, it is an element of `[...text]`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args

from annotated_types import Ge, Le, Len

from app.domain.ids import Id

LONGEST = 100_000

Position: TypeAlias = Annotated[int, Ge(0), Le(LONGEST)]
Version: TypeAlias = Annotated[int, Ge(0), Le(1_000_000_000)]


@dataclass(frozen=True, slots=True)
class Insert:
    """Put text in before the character at `at`, or at the end."""

    op: Literal["insert"]
    at: Position
    text: Annotated[str, Len(1, LONGEST)]


@dataclass(frozen=True, slots=True)
class Delete:
    """Take out so many characters, the first of them at `at`."""

    op: Literal["delete"]
    at: Position
    count: Annotated[int, Ge(1), Le(LONGEST)]


@dataclass(frozen=True, slots=True)
class ToldApartByOp:
    """Has the border look at a change's `op` first, so that its complaints are of that kind only.

    A schema is plain data: this says to pydantic what the union alone does not.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> dict[str, Any]:
        """One choice for each kind of change."""
        kinds = {get_args(kind.__annotations__["op"])[0]: kind for kind in get_args(source)}
        return {
            "type": "tagged-union",
            "discriminator": "op",
            "choices": {op: handler.generate_schema(kind) for op, kind in kinds.items()},
            "custom_error_type": "unknown_op",
            "custom_error_message": f"op should be {' or '.join(map(repr, kinds))}",
        }


Change: TypeAlias = Annotated[Insert | Delete, ToldApartByOp()]
Changes: TypeAlias = Annotated[tuple[Change, ...], Len(1, 100)]

# Commands: what clients ask for.


@dataclass(frozen=True, slots=True)
class EditDocument:
    """Change the text that a document has at `base_version`, one change after the other."""

    doc_id: Id
    base_version: Version
    changes: Changes


# Events: what happened.


@dataclass(frozen=True, slots=True)
class DocumentUpdated:
    """Somebody has edited the document, which is at this version now."""

    doc_id: str
    changes: tuple[Change, ...]
    user_id: str
    version: int


DocumentCommand: TypeAlias = EditDocument
DocumentEvent: TypeAlias = DocumentUpdated
DocumentAction: TypeAlias = DocumentCommand | DocumentEvent


def topic(event: DocumentEvent) -> str:
    """Who may hear this: whoever may read the document."""
    return f"documents:{event.doc_id}"
