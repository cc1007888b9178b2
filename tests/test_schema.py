"""What the service says of its messages, held against the tools that are to read it."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from websockets.sync.client import connect

from tests.conftest import Bake
from tests.guide.npm import node_environment, node_modules
from tests.guide.running import Program, environment

STARTERS = ("showcase", "orders", "blank")
ARTILLERY, PARSER = "artillery@2.0.34", "@asyncapi/parser@3.6.6"
PARSE = """
const { Parser } = require('@asyncapi/parser');
const text = require('node:fs').readFileSync(0, 'utf8');
new Parser().parse(text).then(({ document, diagnostics }) => {
  const wrong = diagnostics.filter(({ code }) => code !== 'asyncapi-latest-version');
  console.log(JSON.stringify({ version: document?.version(), wrong }));
});
"""
GOOD = {
    "showcase": '{ AddStock: { product_id: "tea", quantity: 5 } }',
    "orders": '{ AddStock: { product_id: "tea", quantity: 5 } }',
    "blank": '"Reset"',
}
BAD = {
    "an unknown name": "{ Fly: {} }",
    "a missing field": "{ RevokeTokens: {} }",
    "a field of another type": "{ RevokeTokens: { user_id: 5 } }",
    "a field that there is not": '{ RevokeTokens: { user_id: "ada", more: 1 } }',
    "an event": '{ TokensRevoked: { user_id: "ada", revoked_at: "" } }',
}
HEARD = """
import type { ServerMessage } from './protocol';
export function heard(message: ServerMessage): string | undefined {
  switch (message.type) {
    case 'event':
      return typeof message.action === 'string' ? message.action : message.cause;
    case 'error':
      return message.code === 'conflict' ? message.fields?.[0]?.loc : undefined;
    case 'ack': case 'subscribed': case 'ping': case 'pong':
      return undefined;
    default:
      return message satisfies never;
  }
}
"""


@pytest.fixture(scope="module", params=STARTERS)
def project(bake: Bake, request: pytest.FixtureRequest) -> Path:
    """A project of each starter."""
    return bake(starter=request.param)


def said_by(project: Path, language: str) -> str:
    """What the project's command line prints."""
    command = [sys.executable, "-m", "app", "schema", language]
    return subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout


@contextmanager
def serving(project: Path, folder: Path, **settings: str) -> Iterator[Any]:
    """The project's service in a process of its own, by the class that its own tests use."""
    spec = importlib.util.spec_from_file_location("service_of_a_bake", project / "tests/service.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    service = module.Service(folder, **settings).start()
    try:
        yield service
    finally:
        service.kill()


def test_the_declarations_of_each_starter_are_up_to_date(project: Path) -> None:
    printed = said_by(project, "typescript")

    assert (project / "client" / "protocol.d.ts").read_text() == printed, "python3 dev.py types"


def test_the_readme_of_the_client_has_the_names_of_its_starter(project: Path) -> None:
    readme = (project / "client" / "README.md").read_text()
    blocks = "".join(re.findall(r"^```jsx?\n(.*?)^```$", readme, re.M | re.S))
    names = {*re.findall(r"\{ ([A-Z]\w+): \{", blocks), *re.findall(r"'([A-Z]\w+)'", blocks)}
    views = set(re.findall(r"\bview\.(\w+)", blocks))

    known = set(re.findall(r"^  \| (?:\{ |\")(\w+)", said_by(project, "typescript"), re.M))
    assert len(names) >= 2
    assert names <= known
    assert len(views) == 1
    for view in views:
        assert (project / "app" / "domain" / view / "state.py").exists()


def test_a_project_has_its_own_files_only(project: Path) -> None:
    names = {path.name for folder in ("client", "load") for path in (project / folder).iterdir()}

    assert {"protocol.d.ts", "command.json", "k6.js", "artillery.yaml"} <= names
    assert not [name for name in names if any(f".{starter}." in name for starter in STARTERS)]


@pytest.mark.parametrize("starter", STARTERS)
def test_a_wrong_command_is_a_type_error(bake: Bake, starter: str, tmp_path: Path) -> None:
    environment = node_environment()
    declarations = bake(starter=starter) / "client" / "protocol.d.ts"
    (tmp_path / "protocol.d.ts").write_text(declarations.read_text())
    (tmp_path / "heard.ts").write_text(HEARD)
    lines = ["import type { ClientMessage } from './protocol';"]
    for number, action in enumerate([GOOD[starter], *BAD.values()]):
        message = f'{{ type: "command", action: {action} }}'
        lines.append(f"export const message{number}: ClientMessage = {message};")
    (tmp_path / "said.ts").write_text("\n".join(lines))

    options = ["--strict", "--noEmit", "--target", "es2022", "--module", "preserve"]
    checked = subprocess.run(
        ["tsc", *options, "said.ts", "heard.ts", "protocol.d.ts"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )

    wrong = {int(line) for line in re.findall(r"^said\.ts\((\d+),", checked.stdout, re.M)}
    assert wrong == set(range(3, 3 + len(BAD))), checked.stdout
    assert "heard.ts" not in checked.stdout
    assert "protocol.d.ts" not in checked.stdout


@pytest.mark.slow
def test_the_official_parser_finds_nothing_wrong(project: Path) -> None:
    modules = node_modules(PARSER)

    parsed = subprocess.run(
        ["node", "-e", PARSE],
        cwd=modules.parent,
        input=said_by(project, "asyncapi"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(parsed.stdout) == {"version": "3.0.0", "wrong": []}


def test_the_script_for_k6_is_a_module(project: Path) -> None:
    script = project / "load" / "k6.js"

    checked = subprocess.run(
        ["esbuild", script, "--bundle", "--format=esm", "--external:k6", "--external:k6/*"],
        env=node_environment(),
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr.lower()
    json.loads((script.parent / "command.json").read_text())


def test_both_scripts_for_load_send_the_same_command(project: Path) -> None:
    script = yaml.safe_load((project / "load" / "artillery.yaml").read_text())
    message = script["scenarios"][0]["flow"][0]["loop"][0]["send"]

    action = json.loads((project / "load" / "command.json").read_text())
    assert message == {"type": "command", "action": action}


@pytest.mark.slow
def test_artillery_runs_its_script(bake: Bake, tmp_path: Path) -> None:
    project = bake()
    program = node_modules(ARTILLERY) / ".bin" / "artillery"
    report = tmp_path / "report.json"
    with serving(project, tmp_path) as service:
        target = f"{service.ws}/api/v1/ws"
        command = [program, "run", "--target", target, "--output", report, "load/artillery.yaml"]
        ran = subprocess.run(
            command,
            cwd=project,
            env=node_environment() | {"ARTILLERY_DISABLE_TELEMETRY": "true"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        with urllib.request.urlopen(f"{service.url}/api/v1/snapshot") as answer:
            position = json.load(answer)["seq"]

    counters = json.loads(report.read_text())["aggregate"]["counters"]
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert counters["vusers.failed"] == 0
    assert counters["vusers.completed"] == counters["vusers.created"] == 20
    assert position >= counters["websocket.messages_sent"] == 60


@pytest.fixture(scope="module", params=["showcase", "blank"])  # orders has the words of showcase
def talked(
    bake: Bake, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Any, list[tuple[str, str]]]]:
    """A README, a service to which all was said that it says, and what it prints with what came."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    project = bake(starter=request.param)
    readme = (project / "README.md").read_text()
    with serving(project, tmp_path_factory.mktemp("talked")) as service:
        yield readme, service, list(held(readme, service))


def held(readme: str, service: Any) -> Iterator[tuple[str, str]]:
    """Say what the README says: each answer that it prints, and the one that comes."""
    talk = readme.split("## Talk to it")[1].split("## Find your way")[0]
    lines = re.findall(r"^    (curl .*|npx .*|[<>] .*|\{.*)$", talk, re.M)
    first_heard = re.search(r'^    < .*"seq":(\d+)', talk, re.M)
    assert first_heard
    answer = ""
    with ExitStack() as opened:
        for line in lines:
            match line.split(" ", 1):
                case "curl", rest:
                    rest = rest.replace(":3000/", f":{service.port}/")
                    answer = said_by_shell(f"curl --fail {rest}")
                case "npx", rest:
                    assert rest == "wscat -c ws://127.0.0.1:3000/api/v1/ws"
                    wait_for(service, int(first_heard[1]) - 1)
                    ws = opened.enter_context(connect(f"{service.ws}/api/v1/ws"))
                case ">", said:
                    ws.send(said)
                case "<", printed:
                    yield printed, str(ws.recv(timeout=5))
                case _:
                    yield line, answer


def said_by_shell(command: str) -> str:
    """What a command prints, which has to succeed."""
    done = subprocess.run(
        ["bash", "-c", command], env=environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def wait_for(service: Any, position: int) -> None:
    """Return when the log stands there: what an order leads to comes while people still type."""
    for _ in range(250):
        with urllib.request.urlopen(f"{service.url}/api/v1/snapshot") as answer:
            if json.load(answer)["seq"] >= position:
                return
        time.sleep(0.02)
    raise AssertionError(f"the log never came to {position}")


def as_printed(printed: str) -> str:
    """What a printed line stands for: `…` is a part of a text, or some fields."""
    pattern = re.escape(printed).replace('…"', '[^"]+"')
    return pattern.replace("…", ".+")


@pytest.mark.slow
def test_the_service_answers_what_its_readme_prints(
    talked: tuple[str, Any, list[tuple[str, str]]],
) -> None:
    _, _, answers = talked

    assert len(answers) >= 5
    for printed, answer in answers:
        assert re.fullmatch(as_printed(printed), answer), f"{printed}\n{answer}"


@pytest.mark.slow
def test_the_readme_talks_to_the_service_by_wscat(
    talked: tuple[str, Any, list[tuple[str, str]]],
) -> None:
    readme, service, _ = talked
    said_and_heard = re.findall(
        r'^    > (.*)\n    < {"type":"(?:event","action":{)?("?\w+")', readme, re.M
    )

    assert len(said_and_heard) == 2
    for said, heard in said_and_heard:
        talk = ["wscat", "-c", f"{service.ws}/api/v1/ws", "-w", "1", "-x", said]
        with Program(talk, node_environment()) as wscat:
            wscat.wait(lambda line, heard=heard: True if heard in line else None)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_shows_every_message_command_and_event(
    bake: Bake, tmp_path: Path, scheme: str, browser: Any
) -> None:
    project = bake(starter="blank")
    troubles: list[str] = []
    with serving(project, tmp_path) as service:
        page = browser.new_page(color_scheme=scheme, viewport={"width": 390, "height": 800})
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"{service.url}/docs/ws")
        page.wait_for_selector("#types")
        titles = page.locator("article h3").all_text_contents()
        dead = page.evaluate(
            "[...document.querySelectorAll('a[href^=\"#\"]')]"
            ".filter(({ hash }) => !document.getElementById(hash.slice(1))).length"
        )
        width = page.evaluate("document.documentElement.scrollWidth")
        page.close()

    assert {"→ command", "← event", "← ack", "Increment", "Reset", "WasReset", "Code"} <= set(
        titles
    )
    assert (troubles, dead, width) == ([], 0, 390)
