"""Turns events as they were once written into events as they are now.

When a field of an event is renamed, or an event is, give the old class name a function here. It
takes the fields as they stand in the log and returns the new class name and the new fields:

    def moved_in_metres(fields: Fields) -> tuple[str, Fields]:
        return "Moved", {"centimetres": fields["metres"] * 100}

    UPCASTERS = {"MovedInMetres": moved_in_metres}

It sees every event of that name, new ones too, so it must leave alone what is already new:

    def moved_by(fields: Fields) -> tuple[str, Fields]:
        if "distance" in fields:  # is `by` now
            fields["by"] = fields.pop("distance")
        return "Moved", fields

A field that is only added needs no function, but a default. Clients hear the new names.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]
Upcaster: TypeAlias = Callable[[Fields], tuple[str, Fields]]

UPCASTERS: Mapping[str, Upcaster] = {}
