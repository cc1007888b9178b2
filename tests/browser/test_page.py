"""The page around the panels."""

import re
from collections.abc import Callable
from typing import Any

from tests.browser.watched import RECOVERED, expect, placed, watching


def test_panels_stand_in_the_same_order_every_time(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        tiles = one.page.locator("#tiles .panel")
        expect(tiles).to_have_count(6)
        wide = one.page.locator("#wide .panel")
        expect(wide).to_have_count(3)
        named = "all => all.map(it => it.dataset.feature)"

        assert wide.evaluate_all(named) == ["metrics", "orders", "counter"]
        assert tiles.evaluate_all(named) == [
            *("documents", "chat", "inventory", "notifications", "jobs", "revocation")
        ]


def test_whoever_is_new_is_offered_something_to_do(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        one.page.get_by_role("button", name="Place an order").press("Enter")

        expect(one.orders("processing")).to_have_count(1)
        links = one.page.get_by_role("navigation").get_by_role("link")
        places = links.evaluate_all("all => all.map(it => it.getAttribute('href'))")
        assert places == ["/docs", "/docs/ws", "/metrics"]


def test_a_refused_order_is_taken_back_and_told_in_words(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        seen = "window.seen = 0; new MutationObserver(() => { seen += document"
        seen += ".querySelectorAll('.column[data-status=pending] .hoped').length })"
        one.page.evaluate(f"{seen}.observe(document.body, {{childList: true, subtree: true}})")
        one.place(Customer="a\u200bb")  # which cannot be seen

        toast = one.page.locator(".toast")
        expect(toast).to_contain_text("field 'customer_id'")
        expect(one.page.locator(".card")).to_have_count(0)
        assert one.page.evaluate("seen") > 0
        one.picture("refusal")
        toast.get_by_role("button", name="Dismiss").press("Enter")
        expect(toast).to_have_count(0)


def test_who_looks_is_chosen_in_development_and_sees_their_own(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one:
        placed(one, Customer="alice")
        order_id = placed(one, Customer="bob")
        one.page.get_by_label("Who am I").select_option("bob")
        one.page.wait_for_url("**/?user=bob")

        one.expect_live()
        expect(one.page.locator(".card")).to_have_count(1)
        expect(one.order("processing", order_id)).to_be_visible()
        expect(one.page.get_by_role("button", name="Ship")).to_have_count(0)
        expect(one.page.get_by_label("Who am I")).to_have_value("?user=bob")
        expect(one.form("Place an order").get_by_label("Customer")).not_to_be_editable()


# A page may be back so soon that whoever looks now and then sees no difference.
NOTE_STATES = """() => {
  window.states = [];
  const state = document.querySelector("#state");
  const note = () => window.states.push(state.dataset.state);
  new MutationObserver(note).observe(state, { attributes: true });
}"""


def test_a_page_whose_connection_is_cut_catches_up(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        first = placed(one, Customer="alice")
        one.page.evaluate(NOTE_STATES)
        one.page.get_by_role("button", name="Cut the connection").click()
        one.page.wait_for_function("window.states.includes('recovering')")
        second = placed(other, Customer="bob")

        one.expect_live(within=RECOVERED)
        expect(one.page.locator("#news .toast")).to_contain_text("went on from position")
        for order_id in (first, second):
            expect(one.order("processing", order_id)).to_have_count(1)


def test_pages_outlive_the_service(service: Any, browser: Any) -> None:
    with watching(browser, service.url) as one, watching(browser, service.url) as other:
        order_id = placed(one, Customer="alice")
        one.page.evaluate("window.sameDocument = true")

        service.kill()
        for page in (one, other):
            expect(page.page.locator("#state")).to_have_text("recovering")
        one.place(Customer="alice")
        waiting = one.orders("pending")
        expect(waiting).to_contain_text("on its way")
        sent = waiting.get_attribute("data-order")
        one.submit("Start a batch", Items="3")
        expect(one.form("Start a batch")).to_contain_text("Waits for the connection")
        one.picture("recovering")
        service.start()

        for page in (one, other):
            page.expect_live(within=RECOVERED)
            for known in (order_id, sent):
                expect(page.order("processing", known)).to_have_count(1)
        later = placed(other, Customer="carol")
        for page in (one, other):
            expect(page.order("processing", later)).to_be_visible()
            expect(page.page.locator(".card")).to_have_count(3)
            expect(page.page.locator(".hoped")).to_have_count(0)
        expect(one.panel("jobs").get_by_role("listitem")).to_contain_text("completed")
        expect(one.form("Start a batch")).not_to_contain_text("Waits")
        assert one.page.evaluate("window.sameDocument")


def test_a_page_that_is_sent_away_says_why_and_connects_again(service: Any, browser: Any) -> None:
    sockets: list[Any] = []

    def passed_on(socket: Any) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    with watching(browser, service.url) as one:
        one.page.route_web_socket("**/api/v1/ws**", passed_on)
        one.page.reload()
        one.expect_live()
        away = one.page.get_by_role("region", name="The service has sent this page away")
        expect(away).to_be_hidden()

        sockets[-1].close(code=4599, reason="too many of you")

        expect(one.page.locator("#state")).to_have_text("stopped")
        expect(away).to_contain_text("too many of you")
        one.picture("stopped")
        away.get_by_role("button", name="Connect again").press("Enter")
        one.expect_live()
        expect(away).to_be_hidden()
        placed(one)


def test_data_is_never_markup(service: Any, browser: Any) -> None:
    markup = "<img src=x onerror=alert(1)>"
    with watching(browser, service.url) as one:
        order_id = placed(one, Product=markup)

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

        assert one.complaints
        assert all("404" in complaint for complaint in one.complaints)
        one.complaints.clear()


def changed(before: str, after: str) -> Callable[[Any], None]:
    """A file of the dashboard with another text in the place of this one."""

    def answer(route: Any) -> None:
        if route.request.method == "HEAD":
            route.continue_()
            return
        text = route.fetch().text()
        assert text.count(before) == 1
        route.fulfill(body=text.replace(before, after), content_type="text/javascript")

    return answer


def test_a_panel_that_fails_is_told_and_stops_no_other(service: Any, browser: Any) -> None:
    comes_last = "await new Promise((go) => setTimeout(go, 500));\nexport const title"
    changes = {
        "orders": changed("export const title", comes_last),
        "chat": changed(
            "    event(name, {", "    event() { throw Error('of event'); },\n    other(name, {"
        ),
        "jobs": changed("  reset(state);\n", "  throw Error('of mount');\n"),
        "inventory": changed("export function mount(", "export function mount(("),
    }
    with watching(browser, service.url) as one:
        for feature, change in changes.items():
            one.page.route(f"**/panels/{feature}.js", change)
        one.page.reload()
        one.expect_live()

        placed(one)

        expect(one.panel("inventory").locator("pre")).to_be_visible()
        expect(one.panel("chat")).to_be_visible()
        expect(one.panel("jobs")).to_have_count(0)
        told = {re.sub(r"^(?:Uncaught )?(?:Error: )?", "", each) for each in one.complaints}
        assert {"of event", "of mount"} < told
        (third,) = told - {"of event", "of mount"}
        assert third.startswith("/dashboard/panels/inventory.js cannot be used: SyntaxError")
        one.page.goto("about:blank")  # the order goes on, and with it the complaints
        one.complaints.clear()
