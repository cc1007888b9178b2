"""Who may see to what has failed for good, and read the log: no feature's, but every service's."""

from collections.abc import Mapping

from tests.policy.people import World

READS = """
                             nobody           ada        bob        olga
    /dead-letters            unauthenticated  forbidden  forbidden  shown
    /log                     unauthenticated  forbidden  forbidden  empty
    /log/{position}/state    unauthenticated  forbidden  forbidden  empty
    /log/{position}/test     unauthenticated  forbidden  forbidden  empty
"""

# What is asked for by POST, and is no command.
REQUESTS = """
                               nobody           ada        bob        olga
    /dead-letters/1.0/retry    unauthenticated  forbidden  forbidden  not_found
    /dead-letters/1.0/discard  unauthenticated  forbidden  forbidden  not_found
"""


def story(world: World) -> Mapping[str, str]:
    """Nothing has failed; at the first position of the log is what whoever reads it can see."""
    return {"text": '"items":[]', "position": "1"}
