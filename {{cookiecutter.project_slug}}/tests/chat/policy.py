"""Who may speak in a room and who hears it; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                    nobody           ada      bob      olga     system
    SendMessage     unauthenticated  done     done     done     forbidden
    ReportPresence  invalid          invalid  invalid  invalid  done
"""

TOPICS = """
                   nobody  ada  bob  olga
    chat           none    all  all  all
    chat:hall      none    all  all  all
    presence       none    all  all  all
    presence:hall  none    all  all  all
"""

EVENTS = """
                     topic
    MessageSent      chat:hall
    PresenceChanged  presence:hall
"""

READS = """
                           nobody           ada    bob    olga
    /chat/{room}/messages  unauthenticated  shown  shown  shown
"""


def send(world: World) -> Try:
    body = {"text": "hello"}
    return Try({"SendMessage": {"room": "attic", **body}}, "/chat/attic/messages", body)


def report(world: World) -> Try:
    return Try({"ReportPresence": {"room": "hall", "user_ids": ["mallory"], "more": 0}})


TRIES: Tries = {"SendMessage": send, "ReportPresence": report}


def story(world: World) -> Mapping[str, str]:
    """Ada says something; and whoever listens to what is said in the hall is present there."""
    text = "is anybody there"
    world.do("ada", {"SendMessage": {"room": "hall", "text": text}})
    return {"text": text, "room": "hall"}
