"""The client under Node, in front of the real service, with a connection that is cut at random."""

import asyncio
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.guide.npm import node_environment
from tests.guide.running import PROJECT, project_module, service_in

SCRIPT = Path(__file__).parent / "client" / "cuts.mjs"
CLIENT = PROJECT / "app" / "dashboard" / "client.js"
SECONDS = 60
SEED = 4


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Any]:
    running = service_in(tmp_path).start()
    yield running
    running.kill()


async def cut_again_and_again(port: int, cuts: int, environment: dict[str, str]) -> Any:
    """What the client says in the end; its connections were cut off while they were young."""
    chance = Random(SEED)
    async with project_module("tests/client/wire.py").wire_to(port) as wire:
        pipe = asyncio.subprocess.PIPE
        client = await asyncio.create_subprocess_exec(
            "node", str(SCRIPT), wire.url, env=environment, stdin=pipe, stdout=pipe
        )
        try:
            seen = 0
            for _ in range(cuts):
                if wire.connections == seen:
                    await asyncio.wait_for(wire.another(), SECONDS)
                await asyncio.sleep(chance.uniform(0, chance.choice((0.002, 0.01, 0.04))))
                seen = wire.connections
                wire.cut()
            said, _ = await asyncio.wait_for(client.communicate(b""), SECONDS)
        finally:
            if client.returncode is None:
                client.kill()
                await client.wait()
    return json.loads(said)


@pytest.mark.parametrize("cuts", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_cut_off_again_and_again_it_does_each_command_once_and_hears_each_event_once(
    service: Any, cuts: int
) -> None:
    environment = {**node_environment(), "CLIENT": os.fspath(CLIENT)}

    # In a thread of its own: tests in a browser leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        cutting = cut_again_and_again(service.port, cuts, environment)
        told = thread.submit(asyncio.run, cutting).result()

    ids = [id for id, _ in told["outcomes"]]
    assert len(ids) > cuts / 4
    assert all(isinstance(seq, int) for _, seq in told["outcomes"])
    assert told["heard"] == [[id, seq + 1, id] for seq, id in enumerate(ids)]
    assert (told["snapshots"], told["errors"]) == (1, [])
    assert told["closes"] > cuts / 2
