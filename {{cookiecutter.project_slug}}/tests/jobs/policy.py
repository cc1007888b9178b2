"""Who may start and stop batches and who sees; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                    nobody           ada        bob        olga     system
    StartBatch      unauthenticated  forbidden  forbidden  done     forbidden
    CancelBatch     unauthenticated  forbidden  forbidden  done     forbidden
    RecordProgress  invalid          invalid    invalid    invalid  done
"""

TOPICS = """
          nobody  ada   bob   olga
    jobs  none    none  none  all
"""

EVENTS = """
                           topic
    BatchProcessStarted    jobs
    BatchProcessProgress   jobs
    BatchProcessCompleted  jobs
    BatchProcessCancelled  jobs
"""

READS = """
                      nobody           ada        bob        olga
    /jobs             unauthenticated  forbidden  forbidden  shown
    /jobs/{batch_id}  unauthenticated  forbidden  forbidden  shown
"""

PROGRESS = {"batch_id": "batch-1", "succeeded": 1, "failed": 0}
LONG = 10_000


def started(world: World, total_items: int) -> str:
    """A batch that runs."""
    batch_id = world.new("batch")
    world.do("olga", {"StartBatch": {"total_items": total_items, "batch_id": batch_id}})
    return batch_id


def start(world: World) -> Try:
    body = {"total_items": 1}
    return Try({"StartBatch": body}, "/jobs", body)


def cancel(world: World) -> Try:
    batch_id = started(world, LONG)
    return Try({"CancelBatch": {"batch_id": batch_id}}, f"/jobs/{batch_id}/cancel")


TRIES: Tries = {
    "StartBatch": start,
    "CancelBatch": cancel,
    "RecordProgress": lambda world: Try({"RecordProgress": PROGRESS}),
}
ONCE = {"CancelBatch"}


def story(world: World) -> Mapping[str, str]:
    """One batch comes to its end, and one is cancelled."""
    completed, cancelled = started(world, 1), started(world, LONG)
    world.do("olga", {"CancelBatch": {"batch_id": cancelled}})
    world.until(f"/jobs/{completed}", lambda read: read["status"] == "completed")
    return {"batch_id": completed}
