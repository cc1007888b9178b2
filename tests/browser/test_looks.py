"""Every page can be read and used, in any light, on any screen, whatever the words in it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser.watched import SETTLED, Watched, expect, placed, watching
from tests.guide.npm import node_modules
from tests.guide.running import service_in

LOOKS = ("light", "dark", "phone", "phone-dark")


@pytest.mark.parametrize("kind", LOOKS)
def test_everybody_can_use_it_in_any_light(service: Any, browser: Any, kind: str) -> None:
    options = {"color_scheme": "dark" if "dark" in kind else "light", "reduced_motion": "reduce"}
    with watching(browser, f"{service.url}/?user=alice&role=operator", **options) as one:
        fill(one)
        if "phone" in kind:
            one.page.set_viewport_size({"width": 360, "height": 780})
        one.picture(kind)

        assert barriers(one.page) == []
        assert is_within_its_window(one.page)


@pytest.mark.parametrize("kind", LOOKS)
def test_everybody_can_read_what_is_said_on_the_socket(
    service: Any, browser: Any, kind: str
) -> None:
    page = browser.new_page(color_scheme="dark" if "dark" in kind else "light")
    if "phone" in kind:
        page.set_viewport_size({"width": 360, "height": 780})
    page.goto(f"{service.url}/docs/ws")
    expect(page.get_by_role("heading", name="Types", exact=True)).to_be_attached()

    assert barriers(page) == []
    assert is_within_its_window(page)
    page.close()


def test_what_colours_say_is_seen_where_the_reader_has_chosen_them(
    service: Any, browser: Any
) -> None:
    with watching(browser, service.url, forced_colors="active", reduced_motion="reduce") as one:
        one.submit("Add stock", Product="tea", Units="120")
        event = one.panel("timeline").get_by_role("button", name="InventoryUpdated")
        expect(event).to_contain_text("anonymous (operator)")  # The last thing said of it.
        unchosen = event.screenshot()
        event.press("Enter")
        added = one.panel("timeline").locator("ins").first
        expect(added).to_be_visible()
        one.picture("forced-colors")

        assert added.evaluate("it => getComputedStyle(it).textDecorationLine") == "underline"
        assert event.screenshot() != unchosen
        level = one.panel("inventory").locator("progress")
        full = level.screenshot()
        level.evaluate("it => { it.value = 0; }")
        assert level.screenshot() != full


def barriers(page: Any) -> list[tuple[str, str]]:
    """What keeps somebody from using the page, by the rules of axe, and the first place of each."""
    page.evaluate(SETTLED)  # What is fading in has less contrast.
    page.evaluate((node_modules() / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run().then(({violations}) => violations)")
    return [(each["id"], each["nodes"][0]["html"]) for each in found]


def is_within_its_window(page: Any) -> bool:
    """Whether nothing of it lies to the right of what is seen."""
    width = page.evaluate("document.documentElement.scrollWidth")
    return bool(width <= page.viewport_size["width"])


def test_words_without_an_end_stay_within_their_card(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        order_id = placed(one, Customer="c" * 60, Product="W" * 60, Unit_price="98765.43")
        card = one.order("processing", order_id)
        right = "it => it.getBoundingClientRect().right"

        for part in (".items", ".sum", ".about", "time"):
            assert card.locator(part).evaluate(right) < card.evaluate(right), part


def test_words_are_written_in_their_own_direction(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        one.text("readme").fill("שלום עולם! (42) abc?")
        one.submit("Say something", Message="שלום עולם! (42) abc?")
        order_id = placed(one, Product="תה ירוק")
        said = one.panel("chat").locator(".text")
        expect(said).to_be_visible()

        for words in (
            one.text("readme"),
            said,
            one.order("processing", order_id).locator(".items"),
            one.form("Place an order").get_by_label("Product"),
        ):
            assert words.evaluate("it => getComputedStyle(it).direction") == "rtl"
        name = one.panel("chat").get_by_role("listitem").locator("b")
        assert name.evaluate("it => getComputedStyle(it).direction") == "ltr"


def test_whoever_has_no_token_is_told_how_to_give_one(tmp_path: Path, browser: Any) -> None:
    service = service_in(tmp_path)
    service.settings["APP_JWT_SECRET"] = "0123456789abcdefghijklmnopqrstuvwxyz"
    service.start()
    try:
        page = browser.new_page()
        page.goto(service.url)
        expect(page.locator("#state")).to_have_text("stopped")
        expect(page.get_by_role("region", name="Who are you?")).to_contain_text("document.cookie")
        assert barriers(page) == []
        page.close()
    finally:
        service.kill()


def fill(page: Watched) -> None:
    """A shop on a busy day."""
    names = ["Earl Grey", "Darjeeling First Flush", "Sencha", "Assam", "Oolong", "Rooibos"]
    for number, name in enumerate(names):
        customer = ("alice", "bob", "carol")[number % 3]
        order_id = placed(page, Customer=customer, Product=name, Unit_price=f"{number * 7 + 9}.50")
        verb = ("Ship", "Cancel", None)[number % 3]
        if verb is not None:
            page.act(verb, order_id)
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
