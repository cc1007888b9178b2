"""How the dashboard keeps up: a busy shop in a real browser.

Run as `python -m benchmarks.dashboard [SECONDS]`, with Playwright and Chromium. It prints how long
a click in one window takes to be seen in another; and, with 1,000 orders on the board, what tasks
of the page took more than 50 ms while 200 events came each second, how many frames were shown, and
how much memory is in use after each minute, garbage collected.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

from playwright.async_api import CDPSession, Page, async_playwright
from websockets.asyncio.client import ClientConnection, connect

from tests.guide.running import service_in

ORDERS = 1000
# One order placed and one shipped: seven events.
ROUNDS_PER_SECOND = 30
CLICKS = 20
OPERATOR = "?user=olivia&role=operator"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
COUNTS = "[...document.querySelectorAll('.column .count')].map(it => it.textContent)"
WATCH = """() => {
  window.seen = { long: [], frames: 0, begun: performance.now() };
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.seen.long.push([task.startTime, task.duration]);
  }).observe({ entryTypes: ['longtask'] });
  const frame = () => { window.seen.frames += 1; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}"""
APPEARS = """() => new Promise((seen) => {
  const cards = document.querySelector('.column[data-status=processing] .cards');
  const watch = new MutationObserver(() => { watch.disconnect(); seen(Date.now()); });
  watch.observe(cards, { childList: true });
})"""
CLICK = "() => { const at = Date.now(); document.getElementById('first').click(); return at; }"


async def main(seconds: float) -> None:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as folder:
        service = service_in(Path(folder))
        service.start()
        try:
            async with async_playwright() as started:
                browser = await started.chromium.launch(
                    executable_path=shutil.which("chromium"), args=ARGUMENTS
                )
                pages = [await opened(browser, f"{service.url}/{OPERATOR}") for _ in range(2)]
                print("from a click to the other window, ms:", await delays(*pages))
                await pages[1].close()
                await pace(pages[0], f"{service.ws}/ws{OPERATOR}&topics=inventory", seconds)
                await browser.close()
        finally:
            service.kill()


async def opened(browser: Any, url: str) -> Page:
    """A window that is live."""
    page: Page = await browser.new_page(viewport={"width": 1440, "height": 900})
    await page.goto(url)
    await page.locator("#first:enabled", has_text="order").wait_for()
    return page


async def delays(one: Page, other: Page) -> list[int]:
    """Of each click, in milliseconds, sorted."""
    found = []
    for _ in range(CLICKS):
        appeared = asyncio.create_task(other.evaluate(APPEARS))
        await asyncio.sleep(0.05)
        clicked = await one.evaluate(CLICK)
        found.append(await appeared - clicked)
    return sorted(found)


async def pace(page: Page, address: str, seconds: float) -> None:
    """Fill the board, then keep it busy."""
    async with connect(address) as socket:
        reading = asyncio.create_task(read(socket))
        for number in range(ORDERS):
            await place(socket, number)
        await asyncio.sleep(3)
        print("on the board, by status:", await page.evaluate(COUNTS))
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        await page.evaluate(WATCH)
        position, begin = await seq(page), monotonic()
        await trade(socket, devtools, seconds)
        took, seen = monotonic() - begin, await page.evaluate("seen")
        print(f"at the end, {took:.0f} s:", await memory(devtools))
        print(f"events each second: {(await seq(page) - position) / took:.0f}")
        print(f"frames each second: {seen['frames'] / took:.0f}")
        print(
            "tasks over 50 ms:",
            *(_task(at - seen["begun"], took) for at, took in seen["long"]),
        )
        reading.cancel()


async def trade(socket: ClientConnection, devtools: CDPSession, seconds: float) -> None:
    """Place an order and ship an older one, so many times a second."""
    begin = monotonic()
    for turn in range(int(seconds * ROUNDS_PER_SECOND)):
        await place(socket, ORDERS + turn)
        shipped = {"order_id": order_id(turn + ORDERS // 2), "tracking_number": "TRK-1"}
        await say(socket, {"ShipOrder": shipped})
        if turn % (60 * ROUNDS_PER_SECOND) == 0:
            print(f"after {turn // ROUNDS_PER_SECOND} s:", await memory(devtools))
        await asyncio.sleep(max(0, begin + turn / ROUNDS_PER_SECOND - monotonic()))


async def memory(devtools: CDPSession) -> str:
    """What is in use after garbage was collected."""
    await devtools.send("HeapProfiler.collectGarbage")
    told = (await devtools.send("Performance.getMetrics"))["metrics"]
    now = {metric["name"]: metric["value"] for metric in told}
    return f"{now['JSHeapUsedSize'] / 1e6:.1f} MB, {now['Nodes']:.0f} nodes"


def _task(begun: float, took: float) -> str:
    """A task of the page that took so many milliseconds, and when it began."""
    return f"{took:.0f} ms at {begun / 1000:.1f} s"


async def seq(page: Page) -> int:
    """The position in the log that the page shows."""
    return int((await page.locator("#seq").inner_text()).replace(",", ""))


async def place(socket: ClientConnection, number: int) -> None:
    """One more order."""
    item = {"product_id": "tea", "name": "Tea", "quantity": 1, "unit_price_cents": 1250}
    order = {"order_id": order_id(number), "customer_id": "alice", "items": [item]}
    await say(socket, {"PlaceOrder": order})


async def say(socket: ClientConnection, action: object) -> None:
    """Send a command, and do not wait for its answer."""
    await socket.send(json.dumps({"type": "command", "action": action}))


async def read(socket: ClientConnection) -> None:
    """Whatever comes, so that nothing waits for this client."""
    async for _ in socket:
        pass


def order_id(number: int) -> str:
    """The name of the order with this number."""
    return f"ord-{number:08d}"


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 20))
