"""An example of an action is one that would be read, whatever its fields demand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, make_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from annotated_types import Ge, Gt, Interval, Le, Len, Lt, MultipleOf, Predicate
from pydantic import TypeAdapter

from app.core.example import Example
from app.wire.examples import Endless, example
from app.wire.schema import Plain
from app.wire.tagged import ExternallyTagged


@dataclass(frozen=True, slots=True)
class Comment:
    """What can have more of its kind below it, and one above."""

    text: str
    replies: "tuple[Comment, ...]"
    above: "Comment | None" = None


@dataclass(frozen=True, slots=True)
class Ring:
    """What would have to have another in it, and so on."""

    inner: "Ring"


def example_of(kind: Any) -> tuple[TypeAdapter[Any], Any]:
    """An action with one field of this kind: what reads it, and the example of it."""
    action: Any = make_dataclass("Do", [("options", kind)])
    adapter = TypeAdapter[Any](Annotated[action, ExternallyTagged()])
    schema = adapter.json_schema(schema_generator=Plain)
    return adapter, example(schema, schema.get("$defs", {}), "")


KINDS: Mapping[str, Any] = {
    "two at least": Annotated[tuple[str, ...], Len(2, 10)],
    "none at all": tuple[()],
    "three that differ": Annotated[frozenset[Annotated[int, Ge(3)]], Len(3, 4)],
    "texts that differ": Annotated[frozenset[Annotated[str, Len(3, 5)]], Len(3, 4)],
    "choices that differ": Annotated[frozenset[Literal["a", "b"]], Len(2, 2)],
    "a long text": Annotated[str, Len(20, 30)],
    "a short text": Annotated[str, Len(1, 2)],
    "above": Annotated[int, Gt(5)],
    "below": Annotated[int, Lt(-5)],
    "zero at most": Annotated[int, Le(0)],
    "one that is left": Annotated[int, Interval(gt=3, lt=5)],
    "fives": Annotated[int, MultipleOf(5)],
    "fives above": Annotated[int, MultipleOf(5), Gt(15)],
    "a share": Annotated[float, Gt(0), Lt(0.5)],
    "a tenth": Annotated[float, MultipleOf(0.1), Ge(0.25), Lt(0.45)],
    "money": Annotated[Decimal, Gt(5), Lt(6)],
    "two entries": Annotated[dict[str, int], Len(2, 4)],
    "numbered entries": Annotated[dict[int, str], Len(2, 4)],
    "entries by long names": Annotated[dict[Annotated[str, Len(9, 9)], int], Len(2, 4)],
    "a day": date,
    "a moment": datetime,
    "a time": time,
    "some time": timedelta,
    "an id": UUID,
    "comments": tuple[Comment, ...],
    "what says how it looks": Annotated[str, Predicate(str.isupper), Example("AB-1")],
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_example_can_be_read(kind: Any) -> None:
    adapter, made = example_of(kind)

    assert adapter.validate_json(json.dumps(made)) is not None


def test_what_has_no_end_is_told() -> None:
    with pytest.raises(Endless, match="Ring"):
        example_of(Ring)


def test_an_example_looks_like_its_field() -> None:
    _, made = example_of(Annotated[tuple[str, ...], Len(2, 10)])

    assert made == {"Do": {"options": ["options", "options-2"]}}
