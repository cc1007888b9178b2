"""Who may count, and who may read the counter; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
               nobody           ada        bob        olga  system
    Increment  unauthenticated  done       done       done  forbidden
    Reset      unauthenticated  forbidden  forbidden  done  forbidden
"""

TOPICS = """
             nobody  ada  bob  olga
    counter  none    all  all  all
"""

EVENTS = """
                 topic
    Incremented  counter
    WasReset     counter
"""

READS = """
              nobody           ada    bob    olga
    /counter  unauthenticated  shown  shown  shown
"""

TRIES: Tries = {
    "Increment": lambda world: Try({"Increment": {"by": 2}}, "/counter/increment", {"by": 2}),
    "Reset": lambda world: Try("Reset", "/counter/reset"),
}


def story(world: World) -> Mapping[str, str]:
    """It counts, and begins again."""
    world.do("ada", {"Increment": {"by": 2}})
    world.do("olga", "Reset")
    return {"text": '"turns":'}
