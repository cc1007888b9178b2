"""The event log of the dashboard in a real browser: the past is seen, and copied as a test."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.browser.watched import expect, watching
from tests.guide.running import ROOT

WIDGET = {"product_id": "p", "name": "Tea", "quantity": 2, "unit_price_cents": 900}


@pytest.fixture
def told(service: Any) -> Any:
    """A service with an order on its way, and one that was cancelled."""
    send(service, {"AddStock": {"product_id": "p", "quantity": 9}})
    for order_id in "first", "second":
        order = {"customer_id": "alice", "order_id": order_id, "items": [WIDGET]}
        send(service, {"PlaceOrder": order})
    send(service, {"CancelOrder": {"order_id": "second", "reason": "on second thoughts"}})
    return service


def send(service: Any, action: object) -> None:
    httpx.post(f"{service.url}/api/v1/commands", json=action).raise_for_status()


def test_a_slider_shows_the_past_and_a_moment_becomes_a_test_that_passes(
    told: Any, browser: Any, tmp_path: Path
) -> None:
    options = {"permissions": ["clipboard-read", "clipboard-write"]}
    with watching(browser, told.url, **options) as watched:
        panel, page = watched.panel("timeline"), watched.page
        then = panel.get_by_role("group", name="What was known then")
        slider = panel.get_by_role("slider")
        expect(panel.get_by_role("button", name="OrderCancelled")).to_be_visible()
        expect(panel.get_by_role("button", name="Copy as test")).to_be_disabled()

        panel.get_by_role("button", name="OrderCancelled").click()
        expect(then.locator("ins", has_text="cancelled")).to_be_visible()
        panel.get_by_role("button", name="Copy as test").click()
        expect(page.locator("#news")).to_contain_text("Copied")
        copied = page.evaluate("navigator.clipboard.readText()")

        slider.press("Home")
        expect(panel.locator("output")).to_contain_text("After position 0")
        expect(then.locator("details", has_text="orders").first).to_contain_text("0")
        slider.press("ArrowRight")
        expect(then.locator("ins", has_text="9")).to_be_visible()

        send(told, {"AddStock": {"product_id": "q", "quantity": 1}})
        expect(panel.locator("output")).to_contain_text("After position 1 of")
        panel.get_by_label("Only events named").fill("cancel")
        expect(panel.get_by_role("listitem")).to_have_count(1)
        panel.get_by_role("button", name="Back to live").click()
        expect(panel.locator("output")).to_contain_text("Live")

    assert passes(copied, tmp_path)


def test_whoever_has_chosen_an_event_keeps_it_when_the_log_says_by_whom_it_is(
    service: Any, browser: Any
) -> None:
    with watching(browser, service.url) as watched:
        watched.submit("Add stock", Product="tea", Units="120")
        event = watched.panel("timeline").get_by_role("button", name="InventoryUpdated")
        event.press("Enter")
        expect(event).to_contain_text("anonymous (operator)")

        expect(event).to_be_focused()
        expect(event).to_have_attribute("aria-pressed", "true")


def test_who_goes_back_page_by_page_is_not_sent_to_the_start(service: Any, browser: Any) -> None:
    with httpx.Client(base_url=service.url) as client:
        for _ in range(310):
            client.post("/api/v1/commands", json={"Increment": {"by": 1}}).raise_for_status()
    with watching(browser, service.url) as watched:
        asked: list[int] = []

        def note(request: Any) -> None:
            if found := re.search(r"/api/v1/log\?limit=100&before=(\d+)", request.url):
                asked.append(int(found[1]))

        watched.page.on("request", note)
        panel = watched.panel("timeline")
        panel.get_by_label("Only events named").fill("WasReset")
        earlier = panel.get_by_role("button", name="Earlier")
        with watched.page.expect_response("**/api/v1/log?limit=100&before=*"):
            earlier.click()
        with watched.page.expect_response("**/api/v1/log?limit=100"):
            send(service, "Reset")
        with watched.page.expect_response("**/api/v1/log?limit=100&before=*"):
            earlier.click()

        assert asked == [asked[0], asked[0] - 100]


def test_somebody_else_is_told_whose_the_log_is(service: Any, browser: Any) -> None:
    with watching(browser, f"{service.url}/?user=alice") as watched:
        expect(watched.panel("timeline")).to_contain_text("Operators see here")


def passes(text: str, folder: Path) -> bool:
    """Whether the test passes, in a copy of the project."""
    (project,) = ROOT.glob("*cookiecutter.project_slug*")
    copy = folder / "copy"
    shutil.copytree(project / "app", copy / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    for file in "tests/__init__.py", "tests/scenario.py", "pyproject.toml":
        shutil.copy(project / file, copy / file)
    (copy / "tests" / "test_copied.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "tests/test_copied.py"]
    return subprocess.run(command, cwd=copy).returncode == 0
