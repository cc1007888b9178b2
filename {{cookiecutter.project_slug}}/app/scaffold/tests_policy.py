"""Who may add things and who reads them; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

# What `app/domain/policy.py` should say: write it here first, and see it fail.
COMMANDS = """
              nobody           ada   bob   olga  system
    AddThing  unauthenticated  done  done  done  forbidden
"""

TOPICS = """
            nobody  ada  bob  olga
    things  none    all  all  all
"""

EVENTS = """
                topic
    ThingAdded  things
"""

READS = """
             nobody           ada    bob    olga
    /things  unauthenticated  shown  shown  shown
"""


def add(world: World) -> Try:
    body = {"name": world.new("thing")}
    return Try({"AddThing": body}, "/things", body)


TRIES: Tries = {"AddThing": add}
ONCE = {"AddThing"}


def story(world: World) -> Mapping[str, str]:
    """There is one more."""
    world.do("ada", {"AddThing": {"name": "the first thing"}})
    return {"name": "the first thing"}
