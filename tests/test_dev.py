"""dev.py does what it says, from a clean copy as a newcomer has it."""

import ast
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dev import clean_copy, missing, sum_up
from tests.conftest import ROOT
from tests.guide.running import service_in

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone of this work tree, and of its demo environment, which takes long to make."""
    folder = clean_copy(tmp_path_factory.mktemp("clone") / "repository")
    subprocess.run(["git", "init", "-q", folder], check=True)
    if (ROOT / ".dev" / "demo").exists():
        shutil.copytree(ROOT / ".dev" / "demo", folder / ".dev" / "demo", symlinks=True)
    return folder


def dev(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run dev.py as a newcomer does."""
    command = [sys.executable, "dev.py", *arguments]
    return subprocess.run(command, cwd=repository, capture_output=True, text=True)


def test_the_demo_checks_itself(repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    checked = dev(repository, "demo", "--check", "--port", str(port))

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "verified and stopped" in checked.stdout


def test_a_demo_that_cannot_listen_fails_and_says_why(repository: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        checked = dev(repository, "demo", "--check", "--port", str(listener.getsockname()[1]))

    assert checked.returncode == 1
    assert "cannot listen on" in checked.stderr
    assert "Traceback" not in checked.stderr


def test_what_the_demo_asks_it_asks_without_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from demo import verify

    service = service_in(tmp_path)
    service.start()
    try:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        verify(Path(sys.executable), service.url)
    finally:
        service.kill()


def test_an_older_python_is_told_which_it_has_to_be() -> None:
    source = (ROOT / "dev.py").read_text()
    older = "import sys; sys.version_info = (3, 10, 4); sys.version = '3.10.4 (main)'"
    begin = f"{older}; import runpy; runpy.run_path('dev.py', run_name='__main__')"

    told = subprocess.run([sys.executable, "-c", begin], cwd=ROOT, capture_output=True, text=True)

    ast.parse(source, feature_version=(3, 8))  # as far as there, it has to be read
    assert told.returncode == 1
    assert told.stderr == "✗ dev.py needs Python 3.11 or later; this is 3.10.4\n"


def test_a_zip_and_windows_are_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpacked = clean_copy(tmp_path / "unpacked")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))  # wherever that lies

    told = dev(unpacked, "demo", "--check")
    monkeypatch.setattr("sys.platform", "win32")
    on_windows = missing()

    assert told.returncode == 1
    assert told.stderr.startswith(f"✗ dev.py needs a clone, made by git; {unpacked} is none. ")
    assert "Traceback" not in told.stderr
    assert "use WSL" in on_windows


def test_a_demo_that_does_not_stop_is_killed() -> None:
    from demo import end

    deaf = "from signal import *; signal(SIGTERM, SIG_IGN); print(flush=True); pause()"
    with subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as service:
        try:
            assert service.stdout is not None
            service.stdout.readline()

            assert end(service, within=0.2) == -signal.SIGKILL
        finally:
            service.kill()


def test_edits_of_a_baked_project_are_carried_back(repository: Path) -> None:
    (template,) = repository.glob("*cookiecutter.project_slug*")
    play = repository / "play"
    assert dev(repository, "play").returncode == 0
    reducer, policy = "app/domain/orders/reducer.py", "app/domain/policy.py"
    for name, before, after in [
        (reducer, "The rules of orders", "The rules of all orders"),
        (policy, "Who may send which command", "Who may give which command"),
        ("README.md", "A pure function", "A small pure function"),
    ]:
        text = (play / name).read_text()
        assert before in text
        (play / name).write_text(text.replace(before, after))
    (play / "app/domain/orders/notes.py").write_text('"""Notes."""\n')
    (play / "app/domain/inventory/state.py").unlink()

    synced = dev(repository, "sync")

    assert synced.returncode == 0, synced.stdout + synced.stderr
    assert "The rules of all orders" in (template / reducer).read_text()
    assert (template / policy).read_text() == (
        (ROOT / template.name / policy).read_text().replace("may send which", "may give which")
    )
    assert "A small pure function" in (template / "README.md").read_text()
    assert "cookiecutter.project_name" in (template / "README.md").read_text()
    assert (template / "app/domain/orders/notes.py").exists()
    assert not (template / "app/domain/inventory/state.py").exists()
    assert (template / "app/domain/counter/state.py").exists()
    assert dev(repository, "sync").returncode == 0


def test_what_the_template_has_changed_meanwhile_is_no_edit(repository: Path) -> None:
    (template,) = repository.glob("*cookiecutter.project_slug*")
    play, route = repository / "play-3", template / "app/api/orders.py"
    assert dev(repository, "play", str(play)).returncode == 0
    route.write_text(f"{route.read_text()}# of the template\n")
    (play / "app/domain/data").mkdir()
    (play / "app/domain/data/actions.py").write_text("# of the player\n")

    synced = dev(repository, "sync", str(play))

    assert synced.returncode == 0, synced.stdout + synced.stderr
    assert route.read_text().endswith("# of the template\n")
    assert (template / "app/domain/data/actions.py").exists()


def test_what_was_not_baked_to_be_edited_is_not_carried_back(repository: Path) -> None:
    synced = dev(repository, "sync", str(repository / "docs"))

    assert synced.returncode == 1
    assert "baked by: python3 dev.py play" in synced.stderr


def test_an_edit_that_cannot_be_carried_back_is_named(repository: Path) -> None:
    play = repository / "play-2"
    assert dev(repository, "play", str(play)).returncode == 0
    readme = play / "README.md"
    readme.write_text(readme.read_text().replace("# Order Service", "# My Service"))

    synced = dev(repository, "sync", str(play))

    assert synced.returncode == 1
    assert "README.md: edit" in synced.stderr


def test_a_run_that_has_left_no_report_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    assert sum_up([], failed_runs=0, expected=1) == 1
    assert capsys.readouterr().out == "0 passed, 1 failed, 0 skipped\n"
