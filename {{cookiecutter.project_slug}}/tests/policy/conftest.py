"""One service for every cell of the policy, as it runs in production."""

from collections.abc import Iterator

import pytest

from tests.access.keys import SECRET
from tests.policy.people import World
from tests.policy.story import Story, told
from tests.policy.table import tables
from tests.service import Service


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The service, and people who speak to it."""
    settings = {"APP_ENV": "production", "APP_JWT_SECRET": SECRET, "APP_DRAIN_SECONDS": "2"}
    for table in tables():
        settings |= table.settings
    service = Service(tmp_path_factory.mktemp("policy"), **settings).start()
    world = World(service)
    yield world
    world.close()
    service.kill()


@pytest.fixture(scope="session")
def story(world: World) -> Story:
    """What everybody heard and read while, and after, everything happened once to Ada's things."""
    return told(world)
