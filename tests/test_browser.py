"""The dashboard in a real browser, in front of the real service."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.guide.running import service_in

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "artefacts"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
SOON = 10_000  # milliseconds
RECOVERED = 60_000  # the browser's backoff may have grown meanwhile

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


class Watched:
    """A page, and what it had to complain of."""

    def __init__(self, context: Any, url: str) -> None:
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.set_default_timeout(SOON)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.expect_live()

    def expect_live(self, within: int = SOON) -> None:
        """Within so many milliseconds."""
        expect(self.page.locator("#state")).to_have_text("live", timeout=within)

    def orders(self, status: str) -> Any:
        """The cards of a column."""
        return self.page.locator(f".column[data-status={status}] .card")

    def order(self, status: str, order_id: str) -> Any:
        """The card of an order, if it is in this column."""
        return self.page.locator(f".column[data-status={status}] [data-order='{order_id}']")

    def place(self, **fields: str) -> None:
        """Fill in the form, by its labels, and send it."""
        form = self.page.get_by_role("form", name="Place an order")
        for label, value in fields.items():
            form.get_by_label(label.replace("_", " "), exact=True).fill(value)
        form.get_by_role("button", name="Place order").click()

    def picture(self, name: str) -> None:
        """Keep what can be seen now in `artefacts/`."""
        PICTURES.mkdir(exist_ok=True)
        self.page.wait_for_timeout(1300)  # the highlight of what has just arrived fades
        self.page.screenshot(path=PICTURES / f"dashboard-{name}.png", full_page=True)

    def _said(self, message: Any) -> None:
        # The browser itself reports, as an error, every connection that a dead server refuses.
        refused = "WebSocket connection to" in message.text and "net::ERR" in message.text
        if message.type in ("error", "warning") and not refused:
            self.complaints.append(message.text)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Any]:
    running = service_in(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def watching(browser: Any, url: str, **options: Any) -> Iterator[Watched]:
    """A page in a browser of its own, which must have nothing to complain of."""
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-US", **options
    )
    watched = Watched(context, url)
    yield watched
    context.close()
    assert watched.complaints == []


def placed(page: Watched, **fields: str) -> str:
    """Place an order with the form; give its id once it is processed."""
    known = page.orders("processing").evaluate_all("all => all.map(card => card.dataset.order)")
    page.place(Quantity="2", **fields)
    expect(page.orders("processing")).to_have_count(len(known) + 1)
    now = page.orders("processing").evaluate_all("all => all.map(card => card.dataset.order)")
    (order_id,) = set(now) - set(known)
    return str(order_id)


def test_two_pages_follow_an_order_to_its_end(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        shipped = placed(one, Customer="alice", Unit_price="12.50")
        expect(other.order("processing", shipped)).to_contain_text("$25.00")
        cancelled = placed(other, Customer="bob")

        card = one.order("processing", shipped)
        card.get_by_label("Tracking number").fill("TRACK-123")
        card.get_by_role("button", name="Ship").click()
        card = other.order("processing", cancelled)
        card.get_by_label("Reason").fill("found it cheaper")
        card.get_by_role("button", name="Cancel").click()

        for page in (one, other):
            expect(page.order("shipped", shipped)).to_contain_text("TRACK-123")
            expect(page.order("cancelled", cancelled)).to_contain_text("found it cheaper")
            expect(page.orders("processing")).to_have_count(0)


def test_stock_and_counter_move_in_every_page(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        stock = one.page.get_by_role("form", name="Add stock")
        stock.get_by_label("Units").fill("40")
        stock.get_by_role("button", name="Add stock").click()
        one.page.get_by_role("button", name="Increment").click()

        expect(other.page.get_by_role("row", name="earl-grey")).to_contain_text("40")
        number = other.page.locator("[data-feature=counter] output")
        expect(number).to_have_text("1")
        other.page.get_by_role("button", name="Reset").click()
        expect(one.page.locator("[data-feature=counter] output")).to_have_text("0")


def test_a_refusal_is_shown_in_words(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        one.place(Customer="not an id")

        toast = one.page.locator(".toast")
        expect(toast).to_contain_text("field 'customer_id'")
        one.picture("refusal")
        toast.get_by_role("button", name="Dismiss").press("Enter")
        expect(toast).to_have_count(0)
        expect(one.page.locator(".card")).to_have_count(0)


def test_pages_outlive_the_service(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        order_id = placed(one, Customer="alice")
        one.page.evaluate("window.sameDocument = true")

        service.kill()
        for page in (one, other):
            expect(page.page.locator("#state")).to_have_text("recovering")
        one.place(Customer="alice")
        expect(one.page.locator(".toast")).to_contain_text("not connected")
        one.picture("recovering")
        service.start()

        for page in (one, other):
            page.expect_live(within=RECOVERED)
            expect(page.order("processing", order_id)).to_be_visible()
        later = placed(other, Customer="carol")
        expect(one.order("processing", later)).to_be_visible()
        assert one.page.evaluate("window.sameDocument")


def test_data_is_never_markup(service: Any, browser: Any) -> None:
    markup = "<img src=x onerror=alert(1)>"
    with watching(browser, service.url) as one:
        order_id = placed(one, Name=markup)

        expect(one.order("processing", order_id).locator(".items")).to_contain_text(markup)


def test_a_feature_without_a_panel_shows_its_state(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        one.page.route("**/panels/counter.js", lambda route: route.fulfill(status=404))
        one.page.reload()
        panel = one.page.locator("[data-feature=counter]")
        expect(panel.locator("pre")).to_contain_text('"value": 0')

        panel.get_by_label("Command").fill('{"Increment": {"by": 5}}')
        panel.get_by_label("Command").press("Enter")
        expect(panel.locator("pre")).to_contain_text('"value": 5')
        panel.get_by_label("Command").fill("Reset")
        panel.get_by_role("button", name="Send").click()
        expect(panel.locator("pre")).to_contain_text('"value": 0')

        (complaint,) = one.complaints
        assert "404" in complaint
        one.complaints.clear()


def test_pictures_light_dark_and_on_a_phone(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as light:
        fill(light)
        light.picture("light")
        with watching(browser, service.url, color_scheme="dark") as dark:
            dark.picture("dark")
        with watching(browser, service.url) as phone:
            phone.page.set_viewport_size({"width": 390, "height": 844})
            phone.picture("phone")
            width = phone.page.evaluate("document.documentElement.scrollWidth")

    assert width <= 390
    pictures = [PICTURES / f"dashboard-{name}.png" for name in ("light", "dark", "phone")]
    assert all(picture.stat().st_size > 10_000 for picture in pictures)


def fill(page: Watched) -> None:
    """A shop on a busy day."""
    names = ["Earl Grey", "Darjeeling First Flush", "Sencha", "Assam", "Oolong", "Rooibos"]
    for number, name in enumerate(names):
        customer = ("alice", "bob", "carol")[number % 3]
        order_id = placed(page, Customer=customer, Name=name, Unit_price=f"{number * 7 + 9}.50")
        verb = ("Ship", "Cancel", None)[number % 3]
        if verb is not None:
            page.order("processing", order_id).get_by_role("button", name=verb).click()
            expect(page.order("processing", order_id)).to_have_count(0)
    stock = page.page.get_by_role("form", name="Add stock")
    for product, units in (("earl-grey", "120"), ("sencha", "3"), ("assam", "48")):
        stock.get_by_label("Product").fill(product)
        stock.get_by_label("Units").fill(units)
        stock.get_by_role("button", name="Add stock").click()
        expect(page.page.get_by_role("row", name=re.compile(product))).to_be_visible()
