"""What is read is made for whoever is given it, and for nobody else."""

import httpx
import pytest
from fastapi import Request, Response

from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import unless_known
from app.bootstrap import create_app
from tests.access.keys import settings_of

pytestmark = pytest.mark.anyio

LEAST = 64 * 1024


async def test_what_somebody_has_already_or_may_not_read_by_now_is_not_made() -> None:
    app, made = create_app(settings_of(read_bytes_per_second=LEAST)), list[str]()

    @app.get("/much")
    async def much(request: Request, store: TheStore, sender: Sender) -> Response:
        def content() -> str:
            made.append("x" * 5 * LEAST)
            return made[-1]

        return unless_known(request, store, sender, content)

    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        tag = (await http.get("/api/v1/revocations")).headers["ETag"]
        known = [
            (await http.get("/much", headers={"If-None-Match": given})).status_code
            for given in (tag, f'"other", W/{tag}', "*")
        ]
        before = len(made)
        first, second = await http.get("/much"), await http.get("/much")

    assert (known, before) == ([304, 304, 304], 0)
    assert (first.status_code, second.status_code, len(made)) == (200, 429, 1)
