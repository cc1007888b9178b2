"""What happens in one page is seen in every other."""

import re
from typing import Any

import httpx

from tests.browser.watched import expect, placed, watching


def test_two_pages_follow_an_order_to_its_end(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        shipped = placed(one, Customer="alice", Unit_price="12.50")
        expect(other.order("processing", shipped)).to_contain_text("$25.00")
        cancelled = placed(other, Customer="bob")

        one.act("Ship", shipped)
        other.act("Cancel", cancelled)

        for page in (one, other):
            expect(page.order("shipped", shipped)).to_contain_text(f"TRK-{shipped[-6:]}")
            expect(page.order("cancelled", cancelled)).to_contain_text("by request")
            expect(page.orders("processing")).to_have_count(0)


def test_stock_and_counter_move_in_every_page(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        one.submit("Add stock", Units="40")
        one.page.get_by_role("button", name="Increment", exact=True).click()

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
        one.act("Cancel", order_id)

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
        operator.act("Ship", order_id)

        for page in (one, other):
            expect(page.page.locator("#news .toast")).to_contain_text(f"TRK-{order_id[-6:]}")
            expect(page.panel("notifications").get_by_role("heading")).to_contain_text("1 unread")
            expect(page.page).to_have_title("(1) Dashboard")
        notice = one.panel("notifications").get_by_role("listitem")
        expect(notice).to_contain_text("normal")
        notice.get_by_role("button", name="Mark read").press("Enter")
        for page in (one, other):
            expect(page.panel("notifications").get_by_text("1 unread")).to_be_hidden()
            expect(page.panel("notifications").get_by_role("button")).to_have_count(0)
        for page in (operator, bob):
            expect(page.panel("notifications").get_by_role("listitem")).to_have_count(0)
        expect(bob.orders("shipped")).to_have_count(0)


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

        expect(panel.locator("dl", has_text="Active users").locator("dd").first).to_have_text("2")
        for label in ("Active users", "Events / s", "Requests / s", "Error rate"):
            picture = panel.get_by_role("img", name=f"{label} in the last two minutes")
            expect(picture.locator(".line")).to_have_attribute("d", re.compile("M.+L"))
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


def test_a_room_is_shown_at_its_newest_message_and_follows(service: Any, browser: Any) -> None:
    def say(text: str) -> None:
        message = {"SendMessage": {"room": "lobby", "text": f"{text}\n" * 9}}
        httpx.post(f"{service.url}/api/v1/commands", json=message).raise_for_status()

    for number in range(9):
        say(f"number {number}")
    with watching(browser, f"{service.url}/?user=alice&role=operator") as one:
        log = one.page.get_by_role("log", name="Said in lobby")
        # With all panels and those who are present around it, it has the height that it keeps.
        expect(one.panel("chat")).to_contain_text("Here now: alice")
        expect(one.page.locator(".tiles .panel")).to_have_count(6)
        assert log.evaluate(BELOW) < 1

        # It becomes smaller between a movement and what tells of that.
        log.evaluate("it => { it.scrollTop -= 1; it.style.maxHeight = '50px' }")
        assert log.evaluate(BELOW) < 1

        say("the newest")
        expect(log).to_contain_text("the newest")
        assert log.evaluate(BELOW) < 1

        log.evaluate("it => { it.scrollTop = 99 }")
        expect(log).to_have_js_property("scrollTop", 99)
        say("unread")
        expect(log).to_contain_text("unread")
        assert log.evaluate("it => it.scrollTop") == 99


# How much of it is out of sight below, as soon as the screen has been drawn again.
BELOW = """it => new Promise((tell) => requestAnimationFrame(() => requestAnimationFrame(
    () => tell(it.scrollHeight - it.scrollTop - it.clientHeight))))"""


def test_a_room_shows_who_is_there(service: Any, browser: Any) -> None:
    alice, bob = f"{service.url}/?user=alice", f"{service.url}/?user=bob"
    with watching(browser, alice) as one:
        chat = one.panel("chat")
        expect(chat).to_contain_text("Here now: alice")
        with watching(browser, bob) as other:
            for page in (one, other):
                expect(page.panel("chat")).to_contain_text("Here now: alice, bob")
            other.submit("Say something", Room="kitchen", Message="anybody?")
            expect(other.panel("chat")).to_contain_text("Here now: bob")
            expect(chat.get_by_text("Here now")).to_have_text("Here now: alice")
            chat.get_by_role("button", name="kitchen").click()
            expect(chat).to_contain_text("Here now: alice, bob")
        expect(chat.get_by_text("Here now")).to_have_text("Here now: alice")
