"""The browser's modules that need no browser, and the client's npm package, under Node."""

import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parent / "{{cookiecutter.project_slug}}"
DASHBOARD = PROJECT / "app" / "dashboard"
CLIENT = DASHBOARD / "client.js"
MODULES = {"client": CLIENT, "text": DASHBOARD / "documents" / "text.js"}
NODE = shutil.which("node")
NPM = shutil.which("npm")


@pytest.mark.skipif(NODE is None, reason="node is not installed")
@pytest.mark.parametrize("name", MODULES)
def test_a_module_keeps_its_promises(name: str) -> None:
    run = subprocess.run(
        [str(NODE), "--test", str(HERE / f"{name}.test.mjs")],
        env={**os.environ, name.upper(): str(MODULES[name])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.skipif(NPM is None, reason="npm is not installed")
def test_the_package_holds_the_client_that_is_served(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "client", tmp_path / "client")
    (tmp_path / "app" / "dashboard").mkdir(parents=True)
    shutil.copy(CLIENT, tmp_path / "app" / "dashboard")

    subprocess.run(
        [str(NPM), "pack", "--offline"],
        cwd=tmp_path / "client",
        capture_output=True,
        timeout=60,
        check=True,
    )

    (archive,) = (tmp_path / "client").glob("*.tgz")
    with tarfile.open(archive) as packed:
        names = packed.getnames()
        served = packed.extractfile("package/client.js")
        assert served is not None
        assert served.read() == CLIENT.read_bytes()
    assert sorted(names) == ["package/README.md", "package/client.js", "package/package.json"]


def test_the_dashboard_loads_nothing_from_elsewhere() -> None:
    for path in sorted(DASHBOARD.rglob("*.*")):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text.replace("// ", "").replace("://{", ""), path
        assert "innerHTML" not in text, path
        assert not any(mark in text for mark in ("{{", "{%", "{#")), path


def test_the_package_depends_on_nothing() -> None:
    package = json.loads((PROJECT / "client" / "package.json").read_text())

    assert not {"dependencies", "peerDependencies"} & set(package)
