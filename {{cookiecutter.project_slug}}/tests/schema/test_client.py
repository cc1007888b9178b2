"""The declarations of the npm package are those of this code."""

import pytest

from app.wire.schema import schemas
from app.wire.typescript import declarations
from tests.service import ROOT

FILE = ROOT / "client" / "protocol.d.ts"


def test_the_declarations_are_up_to_date() -> None:
    if list(FILE.parent.glob("protocol.*.d.ts")):
        pytest.skip("there is one for each starter here")

    assert FILE.read_text() == declarations(schemas()), (
        "run: python -m app schema typescript --output client/protocol.d.ts"
    )
