"""An operator reads the log of the running service, and sees what was known at any position."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from app.access.confidential import shown
from app.core.principal import SYSTEM, Principal, Role
from app.runtime.event_log import open_event_log
from app.runtime.event_log.port import Entry
from tests.service import Service

WHO = "earlier", "later", "last"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that has three entries in its log."""
    running = Service(tmp_path_factory.mktemp("history")).start()
    for name in WHO:
        revoke = {"RevokeTokens": {"user_id": name}}
        httpx.post(f"{running.url}/api/v1/commands", json=revoke).raise_for_status()
    yield running
    running.kill()


def read(service: Service, path: str, **query: object) -> httpx.Response:
    params = {name: str(value) for name, value in query.items()}
    return httpx.get(f"{service.url}/api/v1/log{path}", params=params)


def positions(answer: httpx.Response) -> list[int]:
    return [item["position"] for item in answer.json()["items"]]


def test_entries_are_listed_newest_first_in_pages(told: Service) -> None:
    first = read(told, "", limit=2)
    second = read(told, "", limit=2, before=first.json()["next"])

    assert (positions(first), positions(second)) == ([3, 2], [1])
    assert first.json()["seq"] == 3
    assert second.json()["next"] is None
    entry = first.json()["items"][0]
    assert entry["action"] == {"RevokeTokens": {"user_id": "last"}}
    assert (entry["principal"], entry["role"]) == ("anonymous", "operator")
    assert entry["event"]["TokensRevoked"]["revoked_at"] == entry["time"]
    assert entry["withheld"] == []


def test_entries_after_a_position_are_listed_oldest_first(told: Service) -> None:
    first = read(told, "", after=0, limit=2)
    second = read(told, "", after=first.json()["next"])

    assert (positions(first), positions(second)) == ([1, 2], [3])
    assert second.json()["next"] is None
    assert positions(read(told, "", after=1, before=3)) == [2]
    assert positions(read(told, "", after=3)) == positions(read(told, "", before=1)) == []
    nothing = read(told, "", before=0)
    assert (positions(nothing), nothing.json()["next"]) == ([], None)
    assert positions(read(told, "", after=2**53)) == []


@pytest.mark.anyio
async def test_big_entries_come_in_shorter_pages_and_none_is_left_out(tmp_path: Path) -> None:
    sizes = [1_500_000, *[100_000] * 28, 1_500_000]
    service = await with_events_of(sizes, tmp_path)

    oldest_first = pages(service, "after", 0)
    newest_first = pages(service, "before", len(sizes) + 1)

    service.kill()
    every = list(range(1, len(sizes) + 1))
    assert [position for page in oldest_first for position in positions(page)] == every
    assert [position for page in newest_first for position in positions(page)] == every[::-1]
    for page in oldest_first + newest_first:
        assert len(page.content) < 1_100_000 or len(positions(page)) == 1
    assert len(oldest_first) == len(newest_first) == 6


@pytest.mark.anyio
async def test_what_is_read_of_the_log_is_counted_by_its_bytes(tmp_path: Path) -> None:
    service = await with_events_of([1_500_000], tmp_path, APP_READ_BYTES_PER_SECOND="65536")

    first, second = read(service, ""), read(service, "")

    service.kill()
    assert (first.status_code, second.status_code) == (200, 429)
    assert second.json()["message"].startswith("too much: ")


async def with_events_of(sizes: Sequence[int], folder: Path, **settings: str) -> Service:
    """A service on a log of events with so many letters."""
    service = Service(folder, **settings)
    event_log = open_event_log(service.event_log)
    await event_log.append(0, [big(1 + place, size) for place, size in enumerate(sizes)])
    await event_log.close()
    return await asyncio.to_thread(service.start)


def big(position: int, size: int) -> Entry:
    """An entry with an event of so many letters."""
    fields = {"user_id": "x" * size, "revoked_at": "1970-01-01T00:00:01Z"}
    return Entry(
        position=position,
        time=position,
        command=f"key-{position}",
        principal=SYSTEM.name,
        role=SYSTEM.role,
        event=json.dumps({"TokensRevoked": fields}),
    )


def pages(service: Service, bound: str, begin: int) -> list[httpx.Response]:
    """All of the log, page by page."""
    found = [read(service, "", limit=500, **{bound: begin})]
    while (following := found[-1].json()["next"]) is not None:
        found.append(read(service, "", limit=500, **{bound: following}))
    return found


def test_the_state_at_a_position_is_what_was_known_then(told: Service) -> None:
    for position in range(4):
        answer = read(told, f"/{position}/state").json()
        users = [each["user_id"] for each in answer["state"]["revocation"]]
        before = [each["user_id"] for each in answer["before"].get("revocation", [])]
        assert users == sorted(WHO[:position])
        assert before == sorted(WHO[: max(0, position - 1)])
        assert set(answer["before"]) == ({"revocation"} if position else set())


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/4/state", 404, "not_found"),
        ("/4/test", 404, "not_found"),
        ("/0/test", 422, "invalid"),
        ("/-1/state", 422, "invalid"),
        (f"/{2**63}/state", 422, "invalid"),
        ("?limit=501", 422, "invalid"),
        ("?after=-1", 422, "invalid"),
        ("/1/state?user=ada", 403, "forbidden"),
        ("/1/test?user=ada", 403, "forbidden"),
        ("?user=ada", 403, "forbidden"),
    ],
)
def test_what_is_not_there_or_not_theirs_is_refused_in_words(
    told: Service, path: str, status: int, code: str
) -> None:
    answer = httpx.get(f"{told.url}/api/v1/log{path}")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_decision_is_given_as_a_module_of_python(told: Service) -> None:
    answer = read(told, "/2/test")

    assert answer.headers["content-type"] == "text/x-python; charset=utf-8"
    assert 'filename="test_position_2.py"' in answer.headers["content-disposition"]
    compile(answer.text, "test_position_2.py", "exec")
    assert 'RevokeTokens(user_id="later")' in answer.text


@pytest.mark.anyio
async def test_many_who_look_at_the_past_at_once_are_all_answered(told: Service) -> None:
    async with httpx.AsyncClient(base_url=told.url) as client:
        asked = [client.get(f"/api/v1/log/{n % 4}/state") for n in range(16)]
        answers = await asyncio.gather(*asked)

    assert {answer.status_code for answer in answers} == {200}


def test_each_look_at_the_past_counts_as_a_command_does(tmp_path: Path) -> None:
    service = Service(tmp_path, APP_COMMANDS_PER_SECOND="0.001", APP_COMMAND_BURST="2").start()

    statuses = [read(service, "/0/state").status_code for _ in range(3)]

    service.kill()
    assert statuses == [200, 200, 429]


def test_what_cannot_be_read_any_more_is_told_by_its_name_alone() -> None:
    event = '{"Vanished":{"user_id":"private"}}'
    effects = '[{"Dispatch":{"RevokeTokens":{"user_id":"private"}}}]'
    entry = Entry(
        7,
        0,
        "key",
        "ada",
        "customer",
        action='{"Vanish":{"user_id":"private"}}',
        event=event,
        effects=effects,
        outcome="refused: private is not here",
    )

    told = shown(Principal("olga", Role.OPERATOR), entry)

    assert (told.action, told.event) == ("Vanish", "Vanished")
    assert told.effects == [{"Dispatch": "RevokeTokens"}]
    assert told.outcome == "refused"
    assert told.withheld == ["action", "event", "effects"]
