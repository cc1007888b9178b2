"""The code of the WebSocket walkthrough document named by GUIDE, run against the real service.

It is run as printed: only the port is replaced, the lists of items that it leaves out are filled
in, the functions of the page that it calls are supplied, and types are stripped.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.guide.document import Document
from tests.guide.npm import node_environment
from tests.guide.running import Program, environment, service_in

PAGE_FUNCTIONS = ("updateOrderList", "showNotification", "removeOrder")
HELPERS = Path(__file__).parent / "guide"

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    if not (path := os.environ.get("GUIDE")):
        pytest.skip("GUIDE names no WebSocket walkthrough document")
    return Document.parse(Path(path).read_text())


@pytest.fixture
def service(document: Document, tmp_path: Path) -> Iterator[Any]:
    running = service_in(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def http(service: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{service.url}/api/v1", trust_env=False) as client:
        yield client


@pytest.fixture
def socket(service: Any) -> Iterator[ClientConnection]:
    with connect(f"{service.ws}/api/v1/ws", proxy=None) as connection:
        yield connection


# The messages.


def test_each_json_example_is_run_here(document: Document) -> None:
    types = [message["type"] for message in document.messages()]

    assert types == ["command", "event", "error", "ping", "pong"]


def test_the_command_leads_to_the_event(document: Document, socket: ClientConnection) -> None:
    socket.send(json.dumps(document.message("command")))

    message = json.loads(socket.recv(timeout=5))
    assert message["type"] == "event"
    assert_placed(message["action"], document)


def test_a_command_that_lacks_a_field_leads_to_the_error(
    document: Document, service: Any, socket: ClientConnection
) -> None:
    command = document.message("command")
    del command["action"]["PlaceOrder"]["customer_id"]

    with connect(f"{service.ws}/api/v1/ws", proxy=None) as bystander:
        socket.send(json.dumps(command))

        message = json.loads(socket.recv(timeout=5))
        expected = document.message("error")
        assert {name: message[name] for name in expected} == expected
        bystander.send(json.dumps(document.message("ping")))
        assert json.loads(bystander.recv(timeout=5)) == document.message("pong")


def test_the_ping_leads_to_exactly_the_pong(document: Document, socket: ClientConnection) -> None:
    socket.send(json.dumps(document.message("ping")))

    pong = json.dumps(document.message("pong"), separators=(",", ":"))
    assert socket.recv(timeout=5) == pong == '{"type":"pong"}'


def test_the_scenario_of_the_integration_test(document: Document, service: Any) -> None:
    code = document.runnable(document.code("rust", "connect_async("), service.port)
    url = find(r'connect_async\("([^"]+)"\)', code)
    command = json.loads(find(r"json!\(([^;]*)\);", code))
    expected_type = find(r'type_field, "(\w+)"', code)
    expected_action = find(r"Action::(\w+) \{ \.\. \}", code)

    with connect(url, proxy=None) as socket:
        socket.send(json.dumps(command))
        event = json.loads(socket.recv(timeout=5))

    assert event["type"] == expected_type == "event"
    assert list(event["action"]) == [expected_action] == ["OrderPlaced"]


# The clients.


@pytest.fixture
def in_node(tmp_path: Path) -> Callable[[str], Program]:
    """Start code written for a page, with a WebSocket and the functions of the page, in Node."""
    env = node_environment()

    def start(code: str) -> Program:
        script = tmp_path / "page.js"
        script.write_text(code)
        return Program(["node", str(HELPERS / "page.cjs"), str(script), *PAGE_FUNCTIONS], env)

    return start


@pytest.mark.slow
def test_the_basic_client(
    document: Document,
    service: Any,
    http: httpx.Client,
    in_node: Callable[[str], Program],
) -> None:
    code = document.code("javascript", "new WebSocket(", without="class ")

    with in_node(document.runnable(code, service.port)) as page:
        first, second = (page.wait(any_call) for _ in range(2))
        assert [first["call"], len(first["args"])] == ["log", 1], "it says that it is connected"
        assert second["call"] == "log"
        assert_placed(second["args"][-1], document)

        (placed,) = page.wait(call_of("updateOrderList"))
        ship(http, placed["order_id"])
        (notification,) = page.wait(call_of("showNotification"))
        assert placed["order_id"] in notification

        other = http.post("/orders", json=document.order).json()["order_id"]
        (placed,) = page.wait(call_of("updateOrderList"))
        assert placed["order_id"] == other
        http.post(f"/orders/{other}/cancel", json={"reason": "a mistake"}).raise_for_status()
        assert page.wait(call_of("removeOrder")) == [other]


@pytest.mark.slow
def test_the_client_that_reconnects(
    document: Document,
    service: Any,
    http: httpx.Client,
    in_node: Callable[[str], Program],
) -> None:
    code = document.code("javascript", "new WebSocket(", "class ")
    name = find(r"class (\w+)", code)

    with in_node(code) as page:
        page.write(f"const client = new {name}('{service.ws}/api/v1/ws')\n")
        page.wait(connected)

        service.kill()
        assert page.wait(delay) == 1000
        since = time.monotonic()
        assert page.wait(delay) == 2000
        assert 0.9 < time.monotonic() - since < 1.9, "the first delay is one second"

        service.start()
        page.wait(connected)
        page.write("client.ws.addEventListener('message', (m) => console.log(m.data))\n")
        page.write(f"client.send({json.dumps(document.message('command'))})\n")
        message = json.loads(page.wait(call_of("log"))[0])
        assert_placed(message["action"], document)
        order_id = message["action"]["OrderPlaced"]["order_id"]
        assert http.get(f"/orders/{order_id}").is_success

        service.kill()
        assert page.wait(delay) == 1000, "a connection that opens takes the delay back to the first"


@pytest.fixture
def react_page(document: Document, service: Any, tmp_path: Path) -> Iterator[str]:
    """Where a page has the component of the document, and the hook that it uses, in real React."""
    env = node_environment()
    (component,) = re.findall(
        r"^function (\w+)\(\)", source := document.code("typescript", "useState"), re.MULTILINE
    )
    folder = tmp_path / "page"
    folder.mkdir()
    (folder / "page.tsx").write_text(
        document.runnable(source, service.port)
        + "\nimport { createRoot } from 'react-dom/client';"
        + f"\ncreateRoot(document.getElementById('root')).render(<{component} />);\n"
    )
    (folder / "index.html").write_text(
        '<!doctype html><body><div id="root"></div><script src="page.js" defer></script>'
    )
    bundle = ["esbuild", "page.tsx", "--bundle", "--jsx=automatic", "--outfile=page.js"]
    subprocess.run([*bundle, "--log-level=warning"], cwd=folder, env=env, check=True, timeout=60)
    pages = partial(SimpleHTTPRequestHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.slow
def test_the_react_component_in_a_browser(
    document: Document, react_page: str, browser: Any
) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        errors: list[Any] = []
        page.on("pageerror", lambda error: errors.append(error))
        with page.expect_console_message(lambda message: "connected" in message.text):
            page.goto(react_page)
        page.get_by_role("button").click()
        page.wait_for_function("document.body.textContent.includes('OrderPlaced')")
        shown = page.locator("div").all_text_contents()

    assert_placed(first_event(shown), document)
    assert not errors


@pytest.mark.slow
def test_the_react_component_in_jsdom(document: Document, react_page: str) -> None:
    command = ["node", str(HELPERS / "react_page.cjs"), react_page]

    with Program(command, node_environment()) as page:
        page.wait(connected)
        page.write("click\n")
        shown = page.wait(lambda line: line if "OrderPlaced" in line else None)

    assert_placed(first_event(json.loads(shown)["args"]), document)


# The command line.


@pytest.fixture
def session(document: Document, service: Any) -> tuple[list[str], str, Json]:
    """The session of wscat that the document shows: the program, what is typed, what is heard."""
    code = document.runnable(document.code("bash", "wscat -c"), service.port)
    return (
        shlex.split(find(r"^(wscat .*)$", code)),
        find(r"^> (\{.*)$", code),
        json.loads(find(r"^< (\{.*)$", code)),
    )


@pytest.mark.slow
def test_wscat_in_a_terminal(session: tuple[list[str], str, Json]) -> None:
    command, typed, expected = session

    with Program(command, node_environment(), terminal=True) as wscat:
        wscat.wait(lambda line: True if "Connected" in line else None)
        wscat.write(f"{typed}\r")
        assert_heard(wscat.wait(heard), expected)


@pytest.mark.slow
def test_wscat_that_executes_one_command(session: tuple[list[str], str, Json]) -> None:
    command, typed, expected = session

    with Program([*command, "-x", typed, "-w", "1"], node_environment()) as wscat:
        assert_heard(wscat.wait(heard), expected)
        assert wscat.process.wait(timeout=10) == 0


def test_the_health_of_the_service_by_curl(document: Document, service: Any) -> None:
    if not shutil.which("curl"):
        pytest.skip("needs curl")
    printed = find(r"`(curl http[^`]+)`", document.text)
    command = shlex.split(document.runnable(printed, service.port))

    subprocess.run([*command, "-fsS"], env=environment(), check=True, timeout=10)


# What they say.


def find(pattern: str, code: str) -> str:
    """What the group of the pattern takes from the code, where it fits once."""
    (found,) = re.findall(pattern, code, re.MULTILINE)
    return str(found)


def assert_placed(action: Json, document: Document) -> None:
    """The action is the event of the document, with its fields and values and an id of its own."""
    assert list(action) == ["OrderPlaced"]
    event = action["OrderPlaced"]
    assert {name: event[name] for name in document.placed} == document.placed
    assert (event["status"], event["total_cents"]) == ("pending", 3998)
    assert event["order_id"]


def assert_heard(message: Json, expected: Json) -> None:
    """The session of wscat shows what the document shows, but for the id of the order."""
    assert message["type"] == expected["type"] == "event"
    (name, fields), (expected_name, values) = (
        next(iter(each["action"].items())) for each in (message, expected)
    )
    del values["order_id"]
    assert name == expected_name == "OrderPlaced"
    assert {field: fields[field] for field in values} == values
    assert (fields["status"], fields["total_cents"]) == ("pending", 1000)


def first_event(shown: list[str]) -> Json:
    """The first of the events that the page shows, one JSON object after the other."""
    text = next(text for text in shown if "OrderPlaced" in text)
    event, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
    return dict(event)


def any_call(line: str) -> Json:
    """Whatever the page calls."""
    return dict(json.loads(line))


def call_of(name: str) -> Callable[[str], list[Any] | None]:
    """What this function of the page is called with."""

    def arguments(line: str) -> list[Any] | None:
        call = json.loads(line)
        return call["args"] if call["call"] == name else None

    return arguments


def connected(line: str) -> bool | None:
    """It has said that it is connected; what says that it is not has more or other words."""
    words = call_of("log")(line)
    return True if words and len(words) == 1 and re.search(r"\b[Cc]onnected", words[0]) else None


def delay(line: str) -> int | None:
    """The delay, in milliseconds, after which it says that it will connect again."""
    return next((word for word in call_of("log")(line) or () if isinstance(word, int)), None)


def heard(line: str) -> Json | None:
    """A message that wscat shows; in a terminal it stands behind a sign, and what is typed too."""
    message = re.match(r"(?:(?:> )?< )?(\{.*)", line)
    return json.loads(message[1]) if message else None


def ship(http: httpx.Client, order_id: str) -> None:
    """Ship the order, as soon as it is being processed."""
    deadline = time.monotonic() + 10
    while http.get(f"/orders/{order_id}").json()["status"] != "processing":
        assert time.monotonic() < deadline, "the order is never processed"
        time.sleep(0.02)
    http.post(f"/orders/{order_id}/ship", json={"tracking_number": "T-1"}).raise_for_status()
