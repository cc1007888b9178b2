"""Whatever happens to nodes and servers: nothing is lost, nothing is doubled, all hear the same."""

from __future__ import annotations

import pytest

from app.runtime.lease import LEASE_SECONDS
from tests.orders.faults.rehearsal import rehearse
from tests.runtime.event_log import servers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.mark.parametrize("engine", ["postgres", "nats"])
async def test_one_fault_after_another_breaks_no_promise(engine: str) -> None:
    is_there = {"postgres": servers.postgres_folder, "nats": servers.nats_server}
    if is_there[engine]() is None:
        pytest.skip(f"the wheel with {engine} is not installed")
    found = await rehearse(
        engine, clients=60, per_second=60, calm_seconds=2, paused_seconds=LEASE_SECONDS + 2
    )

    assert found.wrong == []
    assert found.commands > 500
    assert found.codes.total() > 0  # there were faults
