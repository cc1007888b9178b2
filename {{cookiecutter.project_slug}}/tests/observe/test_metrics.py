"""What /metrics says is what happened, in so many series and no more."""

import asyncio
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect

from app.bootstrap import create_app
from app.core.principal import Principal, Role
from app.core.rejected import Rejected
from app.domain.revocation.actions import RevokeTokens
from app.observe.lag import LOOK_SECONDS, measuring_lag
from app.observe.metrics import Metrics
from app.observe.series import Reading
from app.runtime.event_log.memory import MemoryLog
from app.runtime.event_log.port import Entry, LogFull
from tests.access.keys import settings_of
from tests.runtime.tally import ME, Add, open_tally
from tests.service import Service

pytestmark = pytest.mark.anyio

COMMAND = {"RevokeTokens": {"user_id": "carol"}}
URL = "/api/v1/commands"
CUSTOMER = {"X-User": "bob"}
DOCS = Path(__file__).parents[2] / "docs"


class Scrape(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    """Every sample of /metrics, by its name and its labels."""

    def __init__(self, text: str) -> None:
        for family in text_string_to_metric_families(text):
            for name, labels, value, *_ in family.samples:
                self[name, frozenset(labels.items())] = value

    def __call__(self, sample: str, /, **labels: str) -> float:
        """The value of one; 0 where nothing was counted yet."""
        return self.get((sample, frozenset(labels.items())), 0)


async def text(http: httpx.AsyncClient) -> str:
    return (await http.get("/metrics")).raise_for_status().text


async def scraped(http: httpx.AsyncClient) -> Scrape:
    return Scrape(await text(http))


def value(metrics: Metrics, sample: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


async def test_commands_are_counted_exactly_by_name_door_and_outcome(service: Service) -> None:
    async with httpx.AsyncClient(base_url=service.url) as http:
        before = await scraped(http)
        for _ in range(7):
            await http.post(URL, json=COMMAND)
        for _ in range(3):
            await http.post(URL, json=COMMAND, headers={"Idempotency-Key": "same"})
        for _ in range(5):
            await http.post(URL, json=COMMAND, headers=CUSTOMER)
        async with connect(f"{service.ws}/ws") as socket:
            for n in range(4):
                command = {"type": "command", "id": str(n), "action": COMMAND}
                await socket.send(json.dumps(command))
                while json.loads(await socket.recv())["type"] != "ack":
                    pass
        after = await scraped(http)

    def counted(sample: str, /, **labels: str) -> float:
        return after(sample, **labels) - before(sample, **labels)

    commands = {"name": "RevokeTokens", "door": "http"}
    assert counted("app_commands_total", **commands, outcome="ok") == 8
    assert counted("app_commands_total", **commands, outcome="duplicate") == 2
    assert counted("app_commands_total", **commands, outcome="forbidden") == 5
    assert counted("app_commands_total", **commands | {"door": "ws"}, outcome="ok") == 4
    assert counted("app_command_seconds_count", door="http") == 15
    assert counted("app_command_seconds_bucket", door="http", le="+Inf") == 15
    assert counted("app_refusals_total", door="http", reason="forbidden") == 5
    assert counted("app_append_seconds_count") == 12, "one append each: nobody waited with another"
    assert counted("app_entries_total") == 12
    assert after("app_log_position") == 12
    assert counted("app_http_requests_total", method="POST", route=URL, status="403") == 5
    assert counted("app_http_requests_total", method="POST", route=URL, status="200") == 10
    assert after("process_resident_memory_bytes") > 0


async def test_a_command_whose_sender_has_left_is_counted_as_such() -> None:
    app = create_app(settings_of())
    async with app.router.lifespan_context(app):
        by = Principal("olga", Role.OPERATOR)
        answer = app.state.door.submit(RevokeTokens("carol"), by=by, address="192.0.2.1")
        answer.cancel()
        await asyncio.sleep(0)

        labels = {"name": "RevokeTokens", "door": "http", "outcome": "cancelled"}
        assert value(app.state.metrics, "app_commands_total", **labels) == 1


class Full(MemoryLog):
    """A log on a disk without room."""

    async def append(self, expected: int, entries: Sequence[Entry]) -> None:
        """As the port says."""
        raise LogFull("the disk is full")


async def test_appends_that_fail_are_counted_with_their_reason() -> None:
    metrics = Metrics()
    async with open_tally(Full(), appends=metrics) as store:
        with pytest.raises(Rejected):
            await store.dispatch(Add(1), by=ME)

    assert value(metrics, "app_append_failures_total", reason="LogFull") == 1
    assert not value(metrics, "app_entries_total")


async def test_a_refused_handshake_is_counted_with_its_reason(service: Service) -> None:
    async with httpx.AsyncClient(base_url=service.url) as http:
        for url in "/ws?topics=nonsense", "/ws?topics=nothing":
            with pytest.raises(Exception, match="HTTP 422"):
                await connect(f"{service.ws}{url}")

        assert (await scraped(http))("app_refusals_total", door="ws", reason="invalid") == 2


async def test_what_no_route_has_refused_is_counted_too(service: Service) -> None:
    asked: list[tuple[int, str, str, bytes | None]] = [
        (404, "GET", "/nowhere", None),
        (404, "GET", "/dashboard/nowhere", None),
        (405, "DELETE", URL, None),
        (413, "POST", URL, b" " * 70_000),
        (422, "POST", URL, b"{"),
        (422, "POST", URL, b"{}"),
        (422, "GET", "/api/v1/revocations?limit=0", None),
    ]
    async with httpx.AsyncClient(base_url=service.url) as http:
        statuses = [
            (await http.request(method, url, content=body)).status_code
            for _, method, url, body in asked
        ]
        counted = await scraped(http)

    assert statuses == [status for status, *_ in asked]
    assert counted("app_refusals_total", door="http", reason="not_found") == 2
    assert counted("app_refusals_total", door="http", reason="too_large") == 1
    assert counted("app_refusals_total", door="http", reason="invalid") == 4
    unknown = {"method": "GET", "route": "unknown", "status": "404"}
    assert counted("app_http_requests_total", **unknown) == 2


async def test_each_application_counts_for_itself() -> None:
    one, other = create_app(settings_of()), create_app(settings_of())
    async with (
        one.router.lifespan_context(one),
        other.router.lifespan_context(other),
        httpx.AsyncClient(transport=httpx.ASGITransport(one), base_url="http://localhost") as first,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(other), base_url="http://localhost"
        ) as second,
    ):
        await first.post(URL, json=COMMAND)
        first_counted, second_counted = await scraped(first), await scraped(second)

    assert first_counted("app_entries_total") == 1
    assert second_counted("app_entries_total") == 0


async def test_an_application_can_be_started_again() -> None:
    app = create_app(settings_of())
    for _ in range(2):
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
                assert (await scraped(http))("app_log_position") == 0


async def test_who_accepts_open_metrics_gets_it(http: httpx.AsyncClient) -> None:
    plain = await http.get("/metrics")
    opened = await http.get(
        "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"}
    )

    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert opened.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "app_commands" in {family.name for family in open_metrics(opened.text)}  # type: ignore[no-untyped-call]


async def test_what_clients_make_up_is_no_series(http: httpx.AsyncClient) -> None:
    await http.get("/metrics")
    before = set(await scraped(http))
    for n in range(20):
        await http.get(f"/made/up/{n}")
        await http.request(f"MADE{n}", f"/made/up/{n}")
        await http.post(URL, json={f"MadeUp{n}": {}})
    made = {
        labels
        for name, labels in set(await scraped(http)) - before
        if name == "app_http_requests_total"
    }

    assert made == {
        frozenset({"method": "GET", "route": "unknown", "status": "404"}.items()),
        frozenset({"method": "other", "route": "unknown", "status": "404"}.items()),
        frozenset({"method": "POST", "route": URL, "status": "422"}.items()),
    }


def test_of_close_codes_and_message_types_there_are_a_few() -> None:
    metrics = Metrics()
    for code in (1000, 4008, 3000, 4999, 0, 70000):
        metrics.connection_closed(code)
    for name in "command", "made up", "invalid", "another":
        metrics.message_in(name, 10)

    assert value(metrics, "app_connections_closed_total", code="other") == 4
    assert value(metrics, "app_connections_closed_total", code="4008") == 1
    assert value(metrics, "app_messages_total", direction="in", type="invalid") == 3
    assert value(metrics, "app_messages_total", direction="in", type="made up") is None
    assert value(metrics, "app_message_bytes_total", direction="in") == 40


async def test_a_gauge_is_read_when_it_is_asked_for_and_only_in_its_context() -> None:
    metrics, tides = Metrics(), iter([1, 2])
    async with metrics.reading([Reading("app_tide", "How high it is.", lambda: next(tides))]):
        assert [value(metrics, "app_tide"), value(metrics, "app_tide")] == [1, 2]

    assert value(metrics, "app_tide") is None


async def test_a_loop_that_is_held_up_shows() -> None:
    metrics, measured = Metrics(), "app_event_loop_lag_seconds_sum"
    async with measuring_lag(metrics), asyncio.timeout(10):
        await asyncio.sleep(0)
        time.sleep(LOOK_SECONDS + 0.35)  # noqa: ASYNC251 - this is what holds it up
        while not value(metrics, measured):  # noqa: ASYNC110 - a measurement tells nobody
            await asyncio.sleep(0.01)
        lag = value(metrics, measured) or 0

    assert lag >= 0.3


async def test_every_metric_is_described_and_the_dashboard_asks_for_no_other(
    http: httpx.AsyncClient,
) -> None:
    counted = set(re.findall(r"^(app_\w+?)(?:_bucket|_sum|_count)?[{ ]", await text(http), re.M))
    page, dashboard = ((DOCS / name).read_text() for name in ("observability.md", "grafana.json"))
    described = set(re.findall(r"`(app_\w+)`", page))
    asked = {re.sub(r"_bucket$", "", name) for name in re.findall(r"app_\w+", dashboard)}

    assert {name for name in counted if not name.endswith("_created")} <= described
    assert asked <= described


def test_the_dashboard_shows_the_services_that_are_chosen_and_no_others() -> None:
    dashboard = json.loads((DOCS / "grafana.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]

    assert len(asked) > 10
    for expression in asked:
        metrics = re.findall(r"(?:app|process)_\w+", expression)
        assert len(metrics) == expression.count('{job=~"$job"}') == 1, expression
