"""The browser's modules that need no browser, and the client's npm package, under Node."""

import gzip
import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.guide.npm import node_environment, node_modules

HERE = Path(__file__).parent
PROJECT = HERE.parent / "{{cookiecutter.project_slug}}"
PACKAGE = PROJECT / "client"
DASHBOARD = PROJECT / "app" / "dashboard"
CLIENT = DASHBOARD / "client.js"
TEXT = DASHBOARD / "documents" / "text.js"
MOST_BYTES = 6 * 1024
NODE = shutil.which("node")
NPM = shutil.which("npm")
MODULES = {
    "client/commands": CLIENT,
    "client/connection": CLIENT,
    "client/tokens": CLIENT,
    "ledger": DASHBOARD / "orders" / "ledger.js",
    "text": TEXT,
}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package's folder, as it is in a project where nothing was installed yet."""
    ignored = shutil.ignore_patterns("client.js", "node_modules")
    shutil.copytree(PACKAGE, tmp_path / "client", ignore=ignored)
    (tmp_path / "app" / "dashboard").mkdir(parents=True)
    shutil.copy(CLIENT, tmp_path / "app" / "dashboard")
    return tmp_path / "client"


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("name", MODULES)
def test_a_module_keeps_its_promises(name: str) -> None:
    file = MODULES[name]
    run = subprocess.run(
        [str(NODE), "--test", str(HERE / f"{name}.test.mjs")],
        env={**os.environ, file.stem.upper(): str(file)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(NPM is None, reason="npm is not installed")
def test_the_package_holds_the_client_that_is_served(package: Path) -> None:
    subprocess.run([str(NPM), "pack", "--offline"], cwd=package, timeout=60, check=True)

    (archive,) = package.glob("*.tgz")
    with tarfile.open(archive) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
        served = packed.extractfile("package/client.js")
        assert served is not None
        assert served.read() == CLIENT.read_bytes()
    manifest = json.loads((PACKAGE / "package.json").read_text())
    assert names == {"README.md", "package.json", *manifest["files"]}
    entries = [entry for entries in manifest["exports"].values() for entry in entries.values()]
    assert {entry.removeprefix("./") for entry in entries} == set(manifest["files"])


def test_its_types_are_strict_and_those_of_the_code(package: Path) -> None:
    (package / "node_modules").symlink_to(node_modules())

    run = subprocess.run(
        [str(NPM), "run", "types"], cwd=package, capture_output=True, text=True, timeout=120
    )

    assert run.returncode == 0, run.stdout + run.stderr
    for made in ("client.d.ts", "react.d.ts"):
        fresh, kept = (package / made).read_text(), (PACKAGE / made).read_text()
        assert fresh == kept, f"{made} is stale: `npm install && npm run types` in client/"


def test_the_example_of_its_types_is_true(package: Path) -> None:
    (example,) = re.findall(r"```ts\n(.*?)```", (PACKAGE / "README.md").read_text(), re.DOTALL)
    (package / "example.ts").write_text(f"declare const base: string;\n{example}")

    run = subprocess.run(
        ["tsc", "--strict", "--noEmit", "--module", "nodenext", "example.ts"],
        env=node_environment(),
        cwd=package,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.returncode == 0, run.stdout


def test_the_client_is_small() -> None:
    made = subprocess.run(
        ["esbuild", str(CLIENT), "--minify", "--format=esm"],
        env=node_environment(),
        capture_output=True,
        timeout=60,
        check=True,
    )

    size = len(gzip.compress(made.stdout, 9))
    print(f"client.js is {size} bytes, minified and gzipped")
    assert size < MOST_BYTES


def test_the_dashboard_loads_nothing_from_elsewhere() -> None:
    for path in sorted(DASHBOARD.rglob("*.*")):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("// ", "").replace("://{", "").replace("://${", ""), path
        assert "innerHTML" not in text, path
        assert not any(mark in text for mark in ("{{", "{%", "{#")), path


def test_the_package_depends_on_nothing_but_react_where_there_is_react() -> None:
    package = json.loads((PACKAGE / "package.json").read_text())

    assert "dependencies" not in package
    assert set(package["peerDependencies"]) == {"react"}
    assert package["peerDependenciesMeta"]["react"]["optional"]
