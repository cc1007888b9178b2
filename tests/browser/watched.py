"""Pages in a real browser, in front of the real service, and what a person does there."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.guide.running import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect
SOON = 30_000  # milliseconds, on a busy machine
expect.set_options(timeout=SOON)

PICTURES = ROOT / "artefacts"
# What goes on for ever is not waited for.
SETTLED = """Promise.allSettled(document.getAnimations()
    .filter(it => it.effect.getComputedTiming().endTime < Infinity).map(it => it.finished))"""
RECOVERED = 60_000  # the browser's backoff may have grown meanwhile


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

    def act(self, verb: str, order_id: str) -> None:
        """Press a button of an order."""
        self.page.get_by_role("button", name=f"{verb} order {order_id}").press("Enter")

    def place(self, **fields: str) -> None:
        """Fill in the form, by its labels, and send it."""
        self.submit("Place an order", **fields)

    def picture(self, name: str) -> None:
        """Keep what can be seen now in `artefacts/`."""
        PICTURES.mkdir(exist_ok=True)
        self.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        self.page.evaluate(SETTLED)
        self.page.screenshot(path=PICTURES / f"dashboard-{name}.png", full_page=True)

    def _said(self, message: Any) -> None:
        # The browser itself reports, as an error, every connection that a dead server refuses.
        refused = "net::ERR_" in message.text
        if message.type in ("error", "warning") and not refused:
            self.complaints.append(message.text)


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
