"""Turns what was once written into the log into what is written now.

When an event, a command or a task is renamed, or one of its fields, give the old class name a
function here: commands and tasks stand in the log, too, in the effects, be it ended ones. It takes
the fields as they stand in the log and returns the new class name and the new fields:

    def moved_in_metres(fields: Fields) -> tuple[str, Fields]:
        return "Moved", {"centimetres": fields["metres"] * 100}

    UPCASTERS = {"MovedInMetres": moved_in_metres}

It sees everything of that name, new ones too, so it must leave alone what is already new:

    def moved_by(fields: Fields) -> tuple[str, Fields]:
        if "distance" in fields:  # is `by` now
            fields["by"] = fields.pop("distance")
        return "Moved", fields

A field that is only added needs no function, but a default. Clients hear the new names, and must
send the new ones: what they send does not come this way.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

Fields: TypeAlias = dict[str, Any]
Upcaster: TypeAlias = Callable[[Fields], tuple[str, Fields]]

UPCASTERS: Mapping[str, Upcaster] = {}
