"""A service and a browser for the tests of this folder, all of which are slow."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.guide.running import service_in


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Any]:
    running = service_in(tmp_path)
    running.start()
    yield running
    running.kill()
