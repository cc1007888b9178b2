"""A React application with the hooks of the npm package, in a real browser and StrictMode."""

import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.browser.watched import playwright
from tests.guide.npm import node_environment
from tests.guide.running import PROJECT, ROOT

APP = ROOT / "tests" / "client" / "app.jsx"
EXPECTED = ("ERR_", "React DevTools", "WebSocket is closed before the connection is established")
RECOVERED = 40_000  # milliseconds: the longest delay, and some
CYCLES = 1000

expect = playwright.expect


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The application and the package, packed and installed as a user would, in one file."""
    folder = tmp_path_factory.mktemp("react")
    shutil.copytree(PROJECT / "client", folder / "client")
    (folder / "app" / "dashboard").mkdir(parents=True)
    shutil.copy(PROJECT / "app" / "dashboard" / "client.js", folder / "app" / "dashboard")
    env = node_environment()
    subprocess.run(
        ["npm", "pack", "--offline", "--silent"], cwd=folder / "client", env=env, check=True
    )
    (archive,) = (folder / "client").glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder / "node_modules", filter="data")
    (folder / "node_modules" / "package").rename(folder / "node_modules" / "live-client")
    shutil.copy(APP, folder)
    options = ["--bundle", "--jsx=automatic", "--define:process.env.NODE_ENV='development'"]
    made = subprocess.run(
        ["esbuild", "app.jsx", *options], cwd=folder, env=env, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    return made.stdout


@contextmanager
def showing(browser: Any, service: Any, bundle: str) -> Iterator[Any]:
    """A window with the application, which has to complain of lost connections only."""
    complaints: list[str] = []
    context = browser.new_context()
    try:
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.route("**/favicon.ico", lambda route: route.fulfill(body=""))
        page.goto(f"{service.url}/health")  # A page of the service's origin, and empty.
        page.add_script_tag(content=bundle)
        yield page
    finally:
        context.close()
    assert [text for text in complaints if not any(known in text for known in EXPECTED)] == []


def test_what_one_window_does_is_seen_in_the_other_whatever_happens_to_the_service(
    service: Any, browser: Any, bundle: str
) -> None:
    with (
        showing(browser, service, bundle) as one,
        showing(browser, service, bundle) as other,
    ):
        for page in (one, other):
            page.evaluate("void (window.unmount = mount())")
            expect(page.locator("#value")).to_have_text("0")
            expect(page.locator("#state")).to_have_text("live")
        for _ in range(4):
            one.get_by_role("button").click()
        for page in (one, other):
            expect(page.locator("#value")).to_have_text("4")
            expect(page.locator("#again")).to_have_text("4")
            expect(page.locator("#last")).to_have_text("2 3 4")
            expect(page.locator("#odd")).to_have_text("1 3")
            expect(page.locator("#none")).to_have_text("0")

        service.kill()
        for page in (one, other):
            expect(page.locator("#state")).to_have_text("recovering")
            page.get_by_role("button").click()
        service.start()

        for page in (one, other):
            expect(page.locator("#value")).to_have_text("6", timeout=RECOVERED)
            expect(page.locator("#last")).to_have_text("4 5 6")
            expect(page.locator("#state")).to_have_text("live")
        other.evaluate("unmount()")
        one.get_by_role("button").click()
        expect(one.locator("#odd")).to_have_text("1 3 5 7")


def test_a_thousand_components_that_come_and_go_leave_nothing(
    service: Any, browser: Any, bundle: str
) -> None:
    with showing(browser, service, bundle) as page:
        left = page.evaluate(f"comeAndGo({CYCLES})")

        assert left.pop("sockets") > CYCLES / 10
        assert left == {"client": 0, "page": 0}
