"""Reads actions that this service has written itself: found by name, one validator a class."""

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Generic, Never, TypeVar, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from app.wire.tagged import ExternallyTagged, Untagged

T = TypeVar("T")


class Stored(Generic[T]):
    """A union of actions, as the log has them.

    What is as we write it goes straight to the validator of its class, half the time that the
    union takes; whatever else goes to the union, which says what is wrong with it.
    """

    def __init__(self, union: Any) -> None:
        tagged: Any = Annotated[union, ExternallyTagged()]
        self._union: TypeAdapter[T] = TypeAdapter(tagged)
        self._classes = {cls for cls in get_args(union) or (union,) if cls is not Never}
        self._readers: dict[str, Callable[[str | bytes], T]] = {
            cls.__name__: _validator(cls).validate_json for cls in self._classes if fields(cls)
        }

    def has(self, cls: type) -> bool:
        """Whether what is of this class can be read again."""
        return cls in self._classes

    def read(self, text: str) -> T:
        """An action from its JSON; raises pydantic's ValidationError."""
        name, colon, rest = text[2:].partition('":')
        reader = self._readers.get(name)
        if reader is not None and colon and text[0] == "{":
            try:
                return reader(rest[:-1])
            except ValidationError:
                pass  # the union finds the same, and names the place
        return self._union.validate_json(text)

    def read_parsed(self, value: Any) -> T:
        """The same from JSON that was parsed as a part of something else."""
        if isinstance(value, dict) and len(value) == 1:
            ((name, values),) = value.items()
            reader = self._readers.get(name)
            if reader is not None:
                try:
                    return reader(orjson.dumps(values))
                except ValidationError:
                    pass  # as above
        return self._union.validate_json(orjson.dumps(value))


def _validator(cls: Any) -> Any:
    alone: Any = Annotated[cls, Untagged()]
    return TypeAdapter(alone).validator
