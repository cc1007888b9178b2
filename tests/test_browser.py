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

    def panel(self, feature: str) -> Any:
        """The panel of a feature."""
        return self.page.locator(f"[data-feature={feature}]")

    def form(self, name: str) -> Any:
        """A form, by what it is for."""
        return self.page.get_by_role("form", name=name)

    def text(self, doc_id: str) -> Any:
        """Where a document is read and written."""
        return self.page.get_by_label(f"Text of {doc_id}")

    def submit(self, name: str, **fields: str) -> None:
        """Fill in a form, by its labels, and send it with the keyboard."""
        for label, value in fields.items():
            self.form(name).get_by_label(label.replace("_", " "), exact=True).fill(value)
        self.form(name).get_by_role("button").press("Enter")

    def orders(self, status: str) -> Any:
        """The cards of a column."""
        return self.page.locator(f".column[data-status={status}] .card")

    def order(self, status: str, order_id: str) -> Any:
        """The card of an order, if it is in this column."""
        return self.page.locator(f".column[data-status={status}] [data-order='{order_id}']")

    def place(self, **fields: str) -> None:
        """Fill in the form, by its labels, and send it."""
        self.submit("Place an order", **fields)

    def picture(self, name: str) -> None:
        """Keep what can be seen now in `artefacts/`."""
        PICTURES.mkdir(exist_ok=True)
        self.page.evaluate("scrollTo(0, 0)")
        self.page.wait_for_timeout(1300)  # the highlight of what has just arrived fades
        self.page.screenshot(path=PICTURES / f"dashboard-{name}.png", full_page=True)

    def _said(self, message: Any) -> None:
        # The browser itself reports, as an error, every connection that a dead server refuses.
        refused = "net::ERR_" in message.text
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
        one.submit("Add stock", Units="40")
        one.page.get_by_role("button", name="Increment").click()

        expect(other.page.get_by_role("row", name="earl-grey")).to_contain_text("40")
        number = other.page.locator("[data-feature=counter] output")
        expect(number).to_have_text("1")
        other.page.get_by_role("button", name="Reset").click()
        expect(one.page.locator("[data-feature=counter] output")).to_have_text("0")


def test_an_order_takes_its_stock_and_one_that_wants_more_is_cancelled(
    service: Any, browser: Any
) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        one.submit("Add stock", Product="sencha", Units="7")
        expect(other.page.get_by_role("row", name="sencha")).to_contain_text("7")

        order_id = placed(other, Product="sencha")
        expect(one.page.get_by_role("row", name="sencha")).to_contain_text("5")
        one.place(Product="sencha", Quantity="6")
        expect(other.orders("cancelled")).to_contain_text("out of stock")
        one.order("processing", order_id).get_by_role("button", name="Cancel").click()

        for page in (one, other):
            expect(page.page.get_by_role("row", name="sencha")).to_contain_text("7")


def test_a_notification_comes_to_its_user_alone(service: Any, browser: Any) -> None:
    alice = f"{service.url}/?user=alice"
    with (
        watching(browser, service.url) as operator,
        watching(browser, alice) as one,
        watching(browser, alice) as other,
        watching(browser, f"{service.url}/?user=bob") as bob,
    ):
        order_id = placed(operator, Customer="alice")
        card = operator.order("processing", order_id)
        card.get_by_label("Tracking number").fill("TRACK-7")
        card.get_by_role("button", name="Ship").click()

        for page in (one, other):
            expect(page.page.locator("#news .toast")).to_contain_text("TRACK-7")
            expect(page.panel("notifications").get_by_role("heading")).to_contain_text("1 unread")
        notice = one.panel("notifications").get_by_role("listitem")
        expect(notice).to_contain_text("normal")
        notice.get_by_role("button", name="Mark read").press("Enter")
        for page in (one, other):
            expect(page.panel("notifications").get_by_text("unread")).to_be_hidden()
            expect(page.panel("notifications").get_by_role("button")).to_have_count(0)
        for page in (operator, bob):
            expect(page.panel("notifications").get_by_role("listitem")).to_have_count(0)
        expect(bob.orders("shipped")).to_have_count(0)


def test_two_people_write_one_text_at_once(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        one.text("readme").fill("🍵 first\n\nlast 👩‍🚀")
        expect(other.text("readme")).to_have_value("🍵 first\n\nlast 👩‍🚀")

        one.text("readme").press("Control+Home")
        other.text("readme").press("Control+End")
        for letter in "abcdefghij":
            one.text("readme").press(letter)
            other.text("readme").press(letter.upper())

        together = "abcdefghij🍵 first\n\nlast 👩‍🚀ABCDEFGHIJ"
        for page in (one, other):
            expect(page.text("readme")).to_have_value(together)
            expect(page.panel("documents").get_by_text("· saved")).to_be_visible()
        one.page.reload()
        expect(one.text("readme")).to_have_value(together)


def test_a_conflict_keeps_what_was_typed_until_it_is_settled(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        for choice, settled in (("Keep mine", "green tea"), ("Take theirs", "white tea")):
            one.text("readme").fill("black tea")
            expect(other.text("readme")).to_have_value("black tea")
            # While a character is being composed nothing is sent, and nothing written over it.
            one.text("readme").dispatch_event("compositionstart")
            one.text("readme").fill("green tea")
            other.text("readme").fill("white tea")
            expect(other.panel("documents").get_by_text("· saved")).to_be_visible()
            one.text("readme").dispatch_event("compositionend")

            alert = one.panel("documents").get_by_role("alert").filter(has_text="Somebody else")
            expect(alert).to_be_visible()
            expect(one.text("readme")).to_have_value("green tea")
            one.panel("documents").get_by_text("Their text").click()
            expect(one.panel("documents").locator("pre")).to_have_text("white tea")
            expect(one.panel("documents").locator("pre")).to_be_visible()
            one.picture("conflict")
            one.panel("documents").get_by_role("button", name=choice).press("Enter")

            expect(alert).to_be_hidden()
            for page in (one, other):
                expect(page.text("readme")).to_have_value(settled)


def test_what_is_typed_while_the_service_is_away_is_saved_when_it_is_back(
    service: Any, browser: Any
) -> None:
    with watching(browser, service.url) as one:
        one.text("readme").fill("tea")
        expect(one.panel("documents").get_by_text("version 1 · saved")).to_be_visible()
        service.kill()
        expect(one.page.locator("#state")).to_have_text("recovering")
        one.text("readme").fill("tea for two")
        expect(one.panel("documents").get_by_role("alert")).to_contain_text("not connected")
        service.start()

        one.expect_live(within=RECOVERED)
        expect(one.panel("documents").get_by_text("version 2 · saved")).to_be_visible()
        expect(one.panel("documents").get_by_role("alert")).to_have_count(0)
        one.page.reload()
        expect(one.text("readme")).to_have_value("tea for two")


def test_any_document_can_be_opened(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        one.submit("Open a document", Document="menu")
        one.text("menu").fill("scones")
        other.panel("documents").get_by_role("button", name="menu").press("Enter")
        expect(other.text("menu")).to_have_value("scones")
        other.submit("Open a document", Document="not an id")

        expect(other.panel("documents").get_by_role("alert")).to_contain_text("doc_id")
        expect(other.text("not an id")).not_to_be_editable()
        one.text("menu").fill("scones, jam")
        expect(other.panel("Activity").get_by_text("DocumentUpdated")).to_have_count(2)
        expect(other.panel("documents").get_by_role("alert")).to_contain_text("doc_id")
        other.panel("documents").get_by_role("button", name="menu").press("Enter")
        expect(other.text("menu")).to_have_value("scones, jam")
        expect(other.panel("documents").get_by_role("alert")).to_have_count(0)
        (complaint,) = other.complaints
        assert "422" in complaint
        other.complaints.clear()


def test_batches_move_and_end_in_every_page(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        one.submit("Start a batch", Items="300")
        batch = other.panel("jobs").get_by_role("listitem").last
        expect(batch).to_contain_text("completed")
        expect(batch).to_contain_text("300 of 300")
        expect(batch.get_by_role("progressbar")).to_have_js_property("value", 300)

        one.submit("Start a batch", Items="20000")
        batch = other.panel("jobs").get_by_role("listitem").first
        expect(batch.get_by_role("progressbar")).not_to_have_js_property("value", 0)
        batch.get_by_role("button", name="Cancel").press("Enter")

        for page in (one, other):
            batch = page.panel("jobs").get_by_role("listitem").first
            expect(batch).to_contain_text("cancelled")
            expect(batch.get_by_role("button")).to_have_count(0)
        done = batch.get_by_role("progressbar").evaluate("bar => bar.value")
        one.page.reload()
        bar = one.panel("jobs").get_by_role("progressbar").first
        expect(bar).to_have_js_property("value", done)


def test_metrics_are_drawn_for_those_who_may_see_them(service: Any, browser: Any) -> None:
    with (
        watching(browser, service.url) as operator,
        watching(browser, f"{service.url}/?user=alice") as alice,
    ):
        panel = operator.panel("metrics")
        users = panel.locator("div", has=operator.page.get_by_text("Active users")).last

        expect(users.get_by_role("definition")).to_have_text("2")
        picture = panel.get_by_role("img", name="Requests per second in the last minute")
        expect(picture.locator(".line")).to_have_attribute("d", re.compile("M.+L"))
        expect(operator.panel("Activity").get_by_text("MetricsUpdated")).to_have_count(0)
        expect(alice.panel("chat")).to_be_visible()
        expect(alice.panel("metrics")).to_have_count(0)


def test_people_talk_in_rooms(service: Any, browser: Any) -> None:
    alice, bob = f"{service.url}/?user=alice", f"{service.url}/?user=bob"
    with watching(browser, alice) as one, watching(browser, bob) as other:
        one.submit("Say something", Message="is the Darjeeling back?")
        expect(other.page.get_by_role("log", name="Said in lobby")).to_contain_text("Darjeeling")
        expect(one.form("Say something").get_by_label("Message")).to_have_value("")
        one.submit("Say something", Room="not a room", Message="hello?")
        expect(one.page.locator("#refusals .toast")).to_contain_text("'room'")
        expect(one.form("Say something").get_by_label("Message")).to_have_value("hello?")
        one.submit("Say something", Room="lobby", Message="hello?")
        other.submit("Say something", Room="kitchen", Message="<b>yes</b>")

        rooms = one.panel("chat").get_by_role("group", name="Rooms")
        expect(rooms.get_by_role("button", name="kitchen")).to_contain_text("1 new")
        rooms.get_by_role("button", name="kitchen").press("Enter")
        expect(rooms.get_by_text("1 new")).to_be_hidden()
        said = one.page.get_by_role("log", name="Said in kitchen").get_by_role("listitem")
        expect(said).to_contain_text("bob")
        expect(said).to_contain_text("<b>yes</b>")
        one.page.reload()
        expect(one.page.get_by_role("log", name="Said in kitchen")).to_contain_text("yes")


def test_panels_stand_in_the_same_order_every_time(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        expect(one.page.locator(".panel")).to_have_count(10)
        names = one.page.locator(".panel").evaluate_all("all => all.map(it => it.dataset.feature)")

        assert names == [
            *("metrics", "orders", "documents", "chat"),
            *("notifications", "jobs", "inventory", "counter", "revocation", "Activity"),
        ]


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
    alice = f"{service.url}/?user=alice&role=operator"
    with watching(browser, alice) as light:
        fill(light)
        light.picture("light")
        with watching(browser, alice, color_scheme="dark") as dark:
            dark.picture("dark")
        with watching(browser, alice) as phone:
            phone.page.set_viewport_size({"width": 360, "height": 780})
            phone.picture("phone")
            width = phone.page.evaluate("document.documentElement.scrollWidth")

    assert width <= 360
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
    for product, units in (("earl-grey", "120"), ("sencha", "3"), ("assam", "48")):
        page.submit("Add stock", Product=product, Units=units)
        expect(page.page.get_by_role("row", name=re.compile(product))).to_be_visible()
    page.submit("Start a batch", Items="40")
    expect(page.panel("jobs")).to_contain_text("completed")
    page.submit("Start a batch", Items="20000")
    page.text("readme").fill("# Tea\n\nBoil the water, pour it, wait four minutes.\n")
    page.submit("Say something", Message="Is the Darjeeling back?")
    page.submit("Say something", Message="Two boxes came in this morning. They are on the shelf.")
    expect(page.panel("chat").get_by_role("listitem")).to_have_count(2)
    page.panel("notifications").get_by_role("button").last.click()
    page.page.get_by_role("button", name="Dismiss").evaluate_all("all => all.map(it => it.click())")
