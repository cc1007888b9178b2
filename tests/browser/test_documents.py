"""Two people and one text."""

from typing import Any

from tests.browser.watched import RECOVERED, expect, watching

# A page that is too busy to draw, and not to take what is typed.
LATE = "() => { window.requestAnimationFrame = (draw) => setTimeout(draw, 2_000); }"


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


def test_what_is_typed_before_others_are_seen_takes_nothing_of_theirs_away(
    service: Any, browser: Any
) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        one.text("readme").fill("tea")
        expect(other.text("readme")).to_have_value("tea")
        with one.page.expect_websocket() as opened:
            one.page.reload()
        expect(one.text("readme")).to_have_value("tea")
        one.page.evaluate(LATE)

        with opened.value.expect_event("framereceived", lambda told: "DocumentUpdated" in told):
            other.text("readme").press("Control+End")
            other.text("readme").press("!")
        one.text("readme").press("Control+Home")
        one.text("readme").press("a")

        for page in (one, other):
            expect(page.text("readme")).to_have_value("atea!")


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
        expect(one.panel("documents").get_by_text("version 1 · not saved")).to_be_visible()
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
        for window in one, other:
            expect(window.page.locator("#seq")).to_have_text("2")
        expect(other.panel("documents").get_by_role("alert")).to_contain_text("doc_id")
        other.panel("documents").get_by_role("button", name="menu").press("Enter")
        expect(other.text("menu")).to_have_value("scones, jam")
        expect(other.panel("documents").get_by_role("alert")).to_have_count(0)
        (complaint,) = other.complaints
        assert "422" in complaint
        other.complaints.clear()
