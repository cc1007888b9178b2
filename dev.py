#!/usr/bin/env python3
"""The template's own tool: try it, test it, edit it. Only Python 3.11 and git must be there before.

python3 dev.py demo             bake the default project and serve it with a little traffic
python3 dev.py demo --check     the same, verified and stopped again
python3 dev.py test [--quick]   every test that this machine can run
python3 dev.py bench [--quick]  measure the service; the table is in benchmarks/README.md
python3 dev.py play [FOLDER]    bake a project to edit
python3 dev.py sync [FOLDER]    carry the edits made there back into the template
python3 dev.py types            write client/protocol.d.ts anew, for each starter
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys

# An older Python has to read this file before it can refuse it: no `match` in here.
if sys.version_info < (3, 11):  # noqa: UP036 - this is where it is said in words
    sys.exit(f"✗ dev.py needs Python 3.11 or later; this is {sys.version.split()[0]}")

import tomllib
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TextIO

from demo import say, serve

ROOT = Path(__file__).resolve().parent
DEV = ROOT / ".dev"
TEMPLATE = "{" * 2 + "cookiecutter.project_slug" + "}" * 2
STARTERS = ("showcase", "orders", "blank")
LISTING = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]


def main() -> int:
    """Run one sub-command; its exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    demo_options = commands.add_parser("demo")
    demo_options.add_argument("--check", action="store_true")
    demo_options.add_argument("--port", type=int, default=3000)
    commands.add_parser("test").add_argument("--quick", action="store_true")
    bench_options = commands.add_parser("bench")
    bench_options.add_argument("names", nargs="*", help="which measurements; all without a name")
    bench_options.add_argument("--quick", action="store_true", help="rough figures in a minute")
    for name in ("play", "sync"):
        commands.add_parser(name).add_argument(
            "folder", type=Path, nargs="?", default=ROOT / "play"
        )
    commands.add_parser("types")
    options = parser.parse_args()
    lack = missing()
    if lack:
        print(f"✗ {lack}", file=sys.stderr)
        return 1
    if options.command == "demo":
        return demo(options.port, check=options.check)
    if options.command == "test":
        return test(quick=options.quick)
    if options.command == "bench":
        return bench([*options.names, *(["--quick"] if options.quick else [])])
    if options.command == "play":
        return play(options.folder)
    if options.command == "types":
        return types()
    return sync(options.folder)


# Setting up


def missing() -> str:
    """What this machine or this folder lacks, in words; nothing when all is there."""
    if sys.platform == "win32":
        return "dev.py runs on Linux and macOS; on Windows, use WSL"
    if shutil.which("git") is None:
        return "dev.py needs git"
    asked = subprocess.run([*LISTING, "dev.py"], cwd=ROOT, capture_output=True, text=True)
    if not asked.stdout:
        return f"dev.py needs a clone, made by git; {ROOT} is none. {asked.stderr}".strip()
    return ""


def groups(file: Path, *names: str) -> list[str]:
    """What a pyproject.toml asks for: its own dependencies, and those of these groups."""
    table = tomllib.loads(file.read_text())
    asked = list(table["project"].get("dependencies", []))
    for name in names:
        asked += table["dependency-groups"].get(name, [])
    return asked


def environment(name: str, packages: list[str]) -> Path:
    """The interpreter of a virtual environment with these packages, made when it is not there."""
    folder = DEV / name
    python = folder / "bin" / "python"
    stamp = folder / "stamp"
    wanted = hashlib.sha256(json.dumps([sys.version, packages]).encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        say(f"installing {len(packages)} packages into {folder.relative_to(ROOT)}")
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *packages], check=True)
        stamp.write_text(wanted)
    return python


def demo_environment() -> Path:
    """What bakes a project and runs it."""
    service = ROOT / TEMPLATE / "pyproject.toml"
    return environment("demo", groups(ROOT / "pyproject.toml", "demo") + groups(service))


def clean_copy(folder: Path) -> Path:
    """The template as git sees it, in a folder of its own: no caches, no environments."""
    shutil.rmtree(folder, ignore_errors=True)
    names = subprocess.run(LISTING, cwd=ROOT, check=True, capture_output=True).stdout
    for name in filter(None, names.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def bake(python: Path, into: Path, **answers: str) -> Path:
    """A fresh project in `into`, with the default answers but for these."""
    template = clean_copy(DEV / "template")
    shutil.rmtree(into, ignore_errors=True)
    extra = [f"{name}={value}" for name, value in answers.items()]
    made = DEV / "baked" / into.name
    shutil.rmtree(made, ignore_errors=True)
    command = [python, "-m", "cookiecutter", template, "--no-input", "--default-config"]
    subprocess.run([*command, "--output-dir", made, *extra], check=True, stdout=subprocess.DEVNULL)
    (project,) = made.iterdir()
    into.parent.mkdir(parents=True, exist_ok=True)
    project.rename(into)
    return into


# The demo


def demo(port: int, *, check: bool) -> int:
    """Serve the default project on `port` until stopped, or until it is verified."""
    python = demo_environment()
    say("baking the default project")
    project = bake(python, DEV / "demo-project")
    data = DEV / "demo-data"
    shutil.rmtree(data, ignore_errors=True)
    return serve(python, project, data, port, check=check)


# Tests


def test_environment() -> Path:
    """What tests and measurements need: the tools of both, and all that the service needs."""
    template = groups(ROOT / "pyproject.toml", "demo", "dev")
    return environment("test", template + groups(ROOT / TEMPLATE / "pyproject.toml", "dev"))


def bench(arguments: list[str]) -> int:
    """Measure with the tests' interpreter; 1 when a bar is missed."""
    return subprocess.run(
        [test_environment(), ROOT / "benchmarks" / "run.py", *arguments]
    ).returncode


class Suite(NamedTuple):
    """Some tests: where they are, which of them, and how many at a time."""

    name: str
    folder: Path
    options: list[str]
    at_a_time: int


def test(*, quick: bool) -> int:
    """The template's tests, and in a bake of each starter the project's own; one line sums up."""
    python = test_environment()
    reports = DEV / "reports"
    shutil.rmtree(reports, ignore_errors=True)
    reports.mkdir(parents=True)
    # Many tests wait for something: five at a time keep two cores busy.
    template = Suite("the template", ROOT, ["-m", "not slow"] if quick else [], 2)
    products = []
    for starter in STARTERS[:1] if quick else STARTERS:
        project = bake(python, DEV / "products" / starter, starter=starter)
        # Whatever is slow is in the first of them, which has everything that the others have.
        is_long = not quick and starter == STARTERS[0]
        options = [] if is_long else ["-m", "not slow"]
        products.append(Suite(f"a project baked as {starter}", project, options, 3))
    said = DEV / "said.txt"
    with ThreadPoolExecutor() as beside, said.open("w") as lines:
        say("tests of the template begin beside all others, and are shown at the end")
        waiting = beside.submit(run_tests, python, template, reports, lines)
        statuses = [run_tests(python, suite, reports) for suite in products]
        say("tests of the template, from their beginning")
        statuses.append(waiting.result())
    print(said.read_text(), end="")
    failed_runs = sum(status not in (0, 1) for status in statuses)
    return sum_up(sorted(reports.glob("*.xml")), failed_runs, len(statuses))


def run_tests(python: Path, suite: Suite, reports: Path, lines: TextIO | None = None) -> int:
    """The exit status of pytest, whose words go to these lines, or are shown at once."""
    if lines is None:
        say(f"tests of {suite.name}")
    command = [python, "-m", "pytest", "-q", "-n", str(suite.at_a_time), "--dist", "loadfile"]
    command += ["--no-loadscope-reorder"]  # long tests are in files with few of them
    command += [f"--junit-xml={reports / suite.folder.name}.xml", "-p", "no:cacheprovider"]
    settings = {
        **os.environ,
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "MYPY_CACHE_DIR": str(DEV / "mypy"),  # most of what it reads is the same in all bakes
        "PYTHONDONTWRITEBYTECODE": "",  # some images set it; but the service starts so often
    }
    done = subprocess.run(
        [*command, *suite.options], cwd=suite.folder, env=settings, stdout=lines, stderr=lines
    )
    if done.returncode not in (0, 1):
        print(f"✗ pytest of {suite.name} ended with {done.returncode}", file=sys.stderr)
    return done.returncode


def sum_up(reports: list[Path], failed_runs: int, expected: int) -> int:
    """Print each skip with its reason, and the closing line; the exit status."""
    passed, failed, skipped = 0, failed_runs + expected - len(reports), 0
    for report in reports:
        for case in ET.parse(report).iter("testcase"):
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                failed += 1
            elif "skipped" in kinds:
                skipped += 1
                reason = next(child for child in case if child.tag == "skipped")
                print(
                    f"skipped {case.get('classname')}.{case.get('name')}: {reason.get('message')}"
                )
            else:
                passed += 1
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed else 0


# Editing a baked project


def play(folder: Path) -> int:
    """Bake the default project into `folder`, to be edited there."""
    if folder.exists():
        print(f"✗ {folder} is there already: sync it, or delete it", file=sys.stderr)
        return 1
    bake(demo_environment(), folder)
    shutil.rmtree(base_of(folder), ignore_errors=True)
    shutil.copytree(folder, base_of(folder))
    say(f"edit {folder}, run it there, then: python3 dev.py sync {folder}")
    return 0


def base_of(folder: Path) -> Path:
    """What edits in `folder` are told by: what was baked there, or was carried back last."""
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return DEV / "played" / name


def types() -> int:
    """Write the declarations of every starter, as its own code prints them."""
    python = demo_environment()
    for starter in STARTERS:
        project = bake(python, DEV / "types" / f"types-{starter}", starter=starter)
        command = [python, "-m", "app", "schema", "typescript"]
        printed = subprocess.run(command, cwd=project, check=True, capture_output=True).stdout
        own = "protocol.d.ts" if starter == STARTERS[0] else f"protocol.{starter}.d.ts"
        (ROOT / TEMPLATE / "client" / own).write_bytes(printed)
        say(f"wrote {own}")
    return 0


def sync(folder: Path) -> int:
    """Carry what was edited in `folder` back into the template, and say what could not be."""
    base = base_of(folder)
    if not (folder.is_dir() and base.is_dir()):
        print(f"✗ there is no {folder} baked by: python3 dev.py play {folder}", file=sys.stderr)
        return 1
    edited = DEV / "edited"
    shutil.rmtree(edited, ignore_errors=True)
    ours = (".*cache*", "__pycache__", ".venv", "*.db*", "uv.lock", ".env")
    shutil.copytree(folder, edited, ignore=shutil.ignore_patterns(*ours))
    names = {
        path.relative_to(tree).as_posix()
        for tree in (base, edited)
        for path in tree.rglob("*")
        if path.is_file()
    }
    stuck = [name for name in sorted(names) if not carried(name, base, edited)]
    for name in names.difference(stuck):
        settled(name, base, edited)
    for name in stuck:
        print(f"✗ {name}: edit {TEMPLATE}/{name} by hand", file=sys.stderr)
    return 1 if stuck else 0


def settled(name: str, base: Path, edited: Path) -> None:
    """What was carried is no edit any more."""
    if (edited / name).exists():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(edited / name, base / name)
    else:
        (base / name).unlink(missing_ok=True)


def carried(name: str, base: Path, edited: Path) -> bool:
    """Carry one file's edit; False when the template's text has none of the lines around it."""
    before, after, target = base / name, edited / name, ROOT / TEMPLATE / name
    if before.exists() and after.exists() and before.read_bytes() == after.read_bytes():
        return True
    if not after.exists():
        say(f"deleted {name}")
        target.unlink(missing_ok=True)
        return True
    if not before.exists() or target.read_bytes() == before.read_bytes():
        say(f"copied {name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(after, target)
        return True
    merged = subprocess.run(["git", "merge-file", "-p", target, before, after], capture_output=True)
    if merged.returncode != 0:
        return False
    say(f"merged {name}")
    target.write_bytes(merged.stdout)
    return True


if __name__ == "__main__":
    sys.exit(main())
