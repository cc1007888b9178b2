"""The service as it runs in production, for attacks."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.access.keys import SECRET
from tests.service import Service


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Service]:
    """One whose tokens are signed with the secret of these tests."""
    running = Service(tmp_path, APP_ENV="production", APP_JWT_SECRET=SECRET).start()
    yield running
    running.kill()
