"""Who may edit a document and who reads it; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                  nobody           ada   bob   olga  system
    EditDocument  unauthenticated  done  done  done  forbidden
"""

TOPICS = """
                     nobody  ada  bob  olga
    documents        none    all  all  all
    documents:plans  none    all  all  all
"""

EVENTS = """
                     topic
    DocumentUpdated  documents:plans
"""

READS = """
                         nobody           ada    bob    olga
    /documents           unauthenticated  shown  shown  shown
    /documents/{doc_id}  unauthenticated  shown  shown  shown
"""

EDIT = {"base_version": 0, "changes": [{"op": "insert", "at": 0, "text": "a plan"}]}


def edit(world: World) -> Try:
    doc_id = world.new("document")
    return Try({"EditDocument": {"doc_id": doc_id, **EDIT}}, f"/documents/{doc_id}/edits", EDIT)


TRIES: Tries = {"EditDocument": edit}
ONCE = {"EditDocument"}


def story(world: World) -> Mapping[str, str]:
    """Ada makes plans."""
    world.do("ada", {"EditDocument": {"doc_id": "plans", **EDIT}})
    return {"doc_id": "plans"}
