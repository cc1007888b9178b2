"""How a value of a type looks, for the description of what is on the wire."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """`Annotated[str, Predicate(is_colour), Example("#ff8800")]`: one that the type allows.

    Only types with a Predicate need it: examples of all others are made from their bounds.
    """

    value: object

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        """The type's own JSON Schema, and the example."""
        return {**handler(schema), "examples": [self.value]}
