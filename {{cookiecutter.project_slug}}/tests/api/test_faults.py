"""A request that fails by our fault is answered, counted and logged as any other is."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.access.keys import SECRET
from tests.service import Service

PAGE = "https://shop.example"


class Faulty(Service):
    """The service as in production, with routes that raise."""

    program = ("-m", "tests.api.faulty")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One for all tests."""
    folder = tmp_path_factory.mktemp("faulty")
    production = {"APP_ENV": "production", "APP_JWT_SECRET": SECRET}
    running = Faulty(folder, APP_ALLOWED_ORIGINS=PAGE, **production).start()
    yield running
    running.kill()


def ask(service: Service, name: str) -> httpx.Response:
    headers = {"X-Correlation-ID": name, "Origin": PAGE}
    return httpx.get(f"{service.url}/faulty", headers=headers)


def tracebacks(service: Service) -> list[dict[str, Any]]:
    """The lines that have one, of all that was asked before."""
    httpx.get(f"{service.url}/health")  # one loop: whoever is answered now is answered after them
    lines = [json.loads(line) for line in service.words().splitlines() if line.startswith("{")]
    return [line for line in lines if "exception" in line]


def test_a_fault_is_answered_as_every_refusal_is(faulty: Service) -> None:
    answer = ask(faulty, "answered")

    assert answer.status_code == 500
    assert answer.json() == {
        "type": "error",
        "code": "internal",
        "message": "the service made a mistake",
    }
    assert answer.headers["X-Correlation-ID"] == "answered"
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


def test_a_fault_is_counted(faulty: Service) -> None:
    ask(faulty, "counted")
    metrics = httpx.get(f"{faulty.url}/metrics").text

    assert 'app_http_requests_total{method="GET",route="/faulty",status="500"}' in metrics


def test_a_fault_has_one_line_with_its_traceback_and_its_name(faulty: Service) -> None:
    before = len(tracebacks(faulty))

    ask(faulty, "named")

    (line,) = tracebacks(faulty)[before:]
    assert (line["level"], line["correlation_id"]) == ("error", "named")
    assert line["exception"][-1]["exc_type"] == "ValueError"


def test_an_answer_that_has_begun_is_cut_off_and_the_line_has_its_name(faulty: Service) -> None:
    before, named = len(tracebacks(faulty)), {"X-Correlation-ID": "late"}

    with httpx.stream("GET", f"{faulty.url}/faulty/late", headers=named) as answer:
        parts = answer.iter_bytes()
        first = next(parts)
        with pytest.raises(httpx.RemoteProtocolError):
            next(parts)

    (line,) = tracebacks(faulty)[before:]
    assert (answer.status_code, first) == (200, b"first")
    assert line["correlation_id"] == "late"


def test_after_a_fault_the_connection_goes_on(faulty: Service) -> None:
    with httpx.Client(base_url=faulty.url) as client:
        statuses = [client.get(path).status_code for path in ["/faulty", "/health"] * 10]

    assert statuses == [500, 200] * 10
