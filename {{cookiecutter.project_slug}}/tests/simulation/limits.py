"""Limits of the service and of its features, so small that a short schedule comes to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from app.runtime.retry import RetryPolicy
from tests.simulation.features import FEATURES


class Silent:
    """In place of a module's logger, and of its garbage collector."""

    def __getattr__(self, name: str) -> Any:
        return self

    def __call__(self, *words: object, **more: object) -> None:
        """Say nothing, do nothing."""


def steady() -> float:
    """The clock that nobody sets, of whoever asks."""
    return asyncio.get_running_loop().time()


SILENT = Silent()
POLICY = RetryPolicy(attempts=3, first=0.4, longest=5)
LIMITS: Mapping[str, Mapping[str, object]] = {
    "app.live.hearing": {"log": SILENT},
    "app.live.message": {"BUNDLE_BYTES": 500},
    "app.live.past": {"PAGE_ENTRIES": 8, "PAGES": 2},
    "app.runtime.broadcast": {"LIVE_EVENTS": 8, "EVENTS_A_READ": 8, "log": SILENT},
    "app.runtime.attempts": {"SLOTS": 3, "log": SILENT},
    "app.runtime.effects": {"COMMANDS_IN_FLIGHT": 2},
    "app.runtime.group": {"log": SILENT},
    "app.runtime.replay": {"ENTRIES_A_READ": 16, "log": SILENT},
    "app.runtime.snapshot": {
        "ITEMS_A_ROW": 3,
        "ENTRIES_BETWEEN": 20,
        "ENTRIES_AT_THE_END": 5,
        "gc": SILENT,
        "log": SILENT,
    },
    "app.runtime.commit": {"log": SILENT},
    "app.runtime.queue": {"WAITING_COMMANDS": 12, "COMMANDS_A_COMMIT": 6},
    "app.runtime.store": {"log": SILENT},
    "app.runtime.nodes": {"log": SILENT},
    "app.runtime.lease": {"monotonic": steady, "log": SILENT},
    "app.runtime.event_log.growth": {"ENTRIES_A_READ": 2, "SECONDS_BETWEEN_LOOKS": 5.0},
    "app.wire.state": {"ITEMS_A_ROW": 3},
    **{module: limits for each in FEATURES for module, limits in each.limits.items()},
}
MODULES = {name: import_module(name) for name in LIMITS}


@contextmanager
def small_limits() -> Iterator[None]:
    """For as long as the context lasts."""
    before = {
        (name, limit): getattr(MODULES[name], limit)
        for name, limits in LIMITS.items()
        for limit in limits
    }
    for name, limit in before:
        setattr(MODULES[name], limit, LIMITS[name][limit])
    try:
        yield
    finally:
        for (name, limit), value in before.items():
            setattr(MODULES[name], limit, value)
