"""Reads and writes actions as the log has them: found by class, one validator for each."""

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Generic, Never, TypeVar, get_args

import orjson
from pydantic import TypeAdapter, ValidationError

from app.wire.tagged import ExternallyTagged, Untagged, checker

T = TypeVar("T")


class Stored(Generic[T]):
    """A union of actions, as the log has them.

    What is as we write it goes straight to the validator of its class, half the time that the
    union takes; whatever else goes to the union, which says what is wrong with it.
    """

    def __init__(self, union: Any, name: str) -> None:
        """`name` is what people call the union."""
        self._name = name
        tagged: Any = Annotated[union, ExternallyTagged()]
        self._union: TypeAdapter[T] = TypeAdapter(tagged)
        self._checkers: dict[type, Callable[[Any], T]] = {}
        self._writers: dict[type, Callable[[Any], str]] = {}
        self._readers: dict[str, Callable[[str | bytes], T]] = {}
        for cls in get_args(union) or (union,):
            if cls is not Never:
                self._learn(cls)

    def checked(self, action: T) -> T:
        """The action, if it can be read again once it is written.

        Raises TypeError for a class that is not of the union, and pydantic's ValidationError for a
        value that its field does not allow.
        """
        checker = self._checkers.get(type(action))
        if checker is None:
            raise TypeError(
                f"nobody could read {type(action).__name__} again: "
                f"add it to `{self._name}` in app/domain/__init__.py"
            )
        return checker(action)

    def write(self, action: T) -> str:
        """The JSON of what was read, or checked: `{"Moved": {"by": 1}}`, or `"Stop"`."""
        return self._writers[type(action)](action)

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

    def _learn(self, cls: Any) -> None:
        name = cls.__name__
        self._checkers[cls] = checker(cls).validate_python
        if not fields(cls):
            self._writers[cls] = lambda _: f'"{name}"'
            return
        alone: Any = Annotated[cls, Untagged()]
        adapter: TypeAdapter[Any] = TypeAdapter(alone)
        dump, before = adapter.serializer.to_json, '{"' + name + '":'
        self._writers[cls] = lambda action: before + dump(action, warnings="error").decode() + "}"
        self._readers[name] = adapter.validator.validate_json
