"""At which addresses no database is waited for."""

from __future__ import annotations

import secrets

import pytest

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import LogUnavailable
from tests.runtime.event_log.conftest import new_database
from tests.runtime.event_log.servers import Server
from tests.runtime.event_log.test_postgres import CUT_ALL, administer

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

AWAY = "postgresql://app:secret-9@127.0.0.1:1/shop"


@pytest.fixture
async def url(postgres: Server) -> str:
    return await new_database(postgres.port)


async def refusal(url: str) -> str:
    """In what words a start is refused: in one line, without the password."""
    with pytest.raises(StartRefused) as problem:
        await open_event_log(url).connect()
    words = str(problem.value)
    assert "secret" not in words
    assert "\n" not in words
    return words


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://app:secret-9@127.0.0.1:abc/shop", "no address of a database"),
        ("postgresql://app:secret/9@127.0.0.1/shop", "no address of a database"),
        ("postgresql://app:secret-9@a:1,b:x/shop", "no address of a database"),
        ("postgresql://app:secret-9@127.0.0.1:99999/shop", "invalid port number"),
        (f"{AWAY}?sslmode=requird", 'invalid sslmode value: "requird"'),
        (f"{AWAY}?target_session_attrs=x", "invalid target_session_attrs value"),
        (f"{AWAY}?connect_timeout=abc", "bad value for connect_timeout: 'abc'"),
        (f"{AWAY}?keepalives_idle=abc", 'value "abc" for connection option "keepalives_idle"'),
    ],
)
async def test_an_address_with_a_value_that_is_none_is_refused(url: str, words: str) -> None:
    assert words in await refusal(url)


async def test_who_the_server_does_not_know_is_refused(url: str) -> None:
    name = f"few_{secrets.token_hex(4)}"
    await administer(url, f"CREATE ROLE {name} PASSWORD 'secret-9'")

    for whom, words in (
        ("app:wrong-secret", 'password authentication failed for user "app"'),
        ("nobody:secret-9", 'password authentication failed for user "nobody"'),
        ("app", "no password supplied"),
        (f"{name}:secret-9", "is not permitted to log in"),
    ):
        told = await refusal(url.replace("app:secret-9", whom))
        assert words in told
        assert told.endswith("look at what APP_EVENT_LOG says")


async def test_a_password_that_is_changed_while_a_service_runs_is_waited_for(url: str) -> None:
    name = f"few_{secrets.token_hex(4)}"
    schema = f"GRANT ALL ON SCHEMA public TO {name}"
    await administer(url, f"CREATE ROLE {name} LOGIN PASSWORD 'secret-9'", schema)
    log = open_event_log(url.replace("app:", f"{name}:"))
    await log.connect()
    await administer(url, f"ALTER ROLE {name} PASSWORD 'another'", CUT_ALL)

    for _ in range(2):  # the first of them finds that the connection is broken
        with pytest.raises(LogUnavailable):
            await log.end()
    with pytest.raises(LogUnavailable, match="password authentication failed"):
        await log.end()
    await administer(url, f"ALTER ROLE {name} PASSWORD 'secret-9'")

    assert await log.end() == 0
    await log.close()


async def test_a_table_of_somebody_else_is_refused_and_nothing_is_put_beside_it(url: str) -> None:
    await administer(url, "CREATE TABLE event_log (id int, event text)")

    assert "its table event_log is somebody else's" in await refusal(url)
    # Nothing else of ours is there either, which this would meet.
    await administer(url, "CREATE TABLE event_log_epoch (x int)")
