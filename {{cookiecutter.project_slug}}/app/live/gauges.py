"""What is looked at when somebody asks for metrics."""

import asyncio
from collections.abc import Sequence

from app.live.live import Live
from app.observe.series import Reading, Together

# All processes say the same of their one log: the foremost is right, not the sum.
OF_THE_LOG: Together = "livemax"


def gauges(live: Live) -> Sequence[Reading]:
    """The values of now, of the Store and of those who are connected."""
    store = live.store
    return (
        Reading(
            "app_connections",
            "WebSockets and streams of events that are open.",
            lambda: live.limits.connections,
        ),
        Reading(
            "app_queued_bytes", "What waits to be sent to clients.", live.sessions.queued_bytes
        ),
        Reading(
            "app_slow_clients",
            "Clients that take less than they are sent.",
            lambda: live.keepalive.blocked,
        ),
        Reading("app_tasks", "Tasks of the event loop: a client of ours, idle, has none.", _tasks),
        Reading(
            "app_subscribers",
            "Streams of events, and subscriptions of the service's own.",
            lambda: live.sessions.streams() + store.subscribers,
        ),
        Reading("app_waiting_commands", "Commands that wait to be decided.", lambda: store.waiting),
        Reading(
            "app_performs_effects",
            "1 at the node that performs effects, 0 at all others.",
            lambda: store.performs_effects,
        ),
        Reading(
            "app_log_position",
            "Where the event log stands.",
            lambda: store.seq,
            OF_THE_LOG,
        ),
        Reading(
            "app_pending_effects",
            "Effects that have not ended, dead letters among them.",
            lambda: len(store.head.effects.pending),
            OF_THE_LOG,
        ),
        Reading(
            "app_dead_letters",
            "Effects that have failed for good, until an operator sees to them.",
            lambda: len(store.head.effects.dead),
            OF_THE_LOG,
        ),
    )


def _tasks() -> int:
    return len(asyncio.all_tasks())
