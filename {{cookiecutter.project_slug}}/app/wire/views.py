"""The State as a client may see it: one view a topic, each of the type that its function gives."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias, get_type_hints

from pydantic import GetCoreSchemaHandler, PydanticUserError, TypeAdapter
from pydantic_core import core_schema
from pydantic_core.core_schema import CoreSchema

from app import domain
from app.domain import VIEWS


@dataclass(frozen=True, slots=True)
class ByTopic:
    """`Annotated[Mapping[str, object], ByTopic()]`: some of the views, or all."""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """One field for each topic; none must be there, for some may not be seen."""
        fields = {
            topic: core_schema.typed_dict_field(
                handler.generate_schema(kind_of(vars(domain).get(f"view_{topic}"))), required=False
            )
            for topic in VIEWS
        }
        return core_schema.typed_dict_schema(fields)


Views: TypeAlias = Annotated[Mapping[str, object], ByTopic()]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a client starts from: the State as it may see it, and where the log stood."""

    epoch: str
    seq: int
    state: Views


def kind_of(view: Any) -> Any:
    """What the function of a view gives; anything, where that is not told, or has no schema."""
    try:
        kind = get_type_hints(view).get("return", Any)
        TypeAdapter(kind)
    except (NameError, TypeError, PydanticUserError):  # no function, or a persistent map, say
        return Any
    return kind
