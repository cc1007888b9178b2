"""Bad answers are refused in words, all at once; strange ones survive."""

import re
import shlex
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from cookiecutter.main import cookiecutter

from tests.conftest import ROOT, Bake
from tests.guide.running import PROJECT
from tests.test_bakes import files

STRANGE = [
    'Say "hello"',
    "It's here",
    "back\\slash \\n \\u0041",
    "日本語 é ∑ 😀",
    "</script><b>&amp;",
    "''' \"\"\" `x` $HOME ${X} %s # no comment",
    "ends with \\",
]


def run(template: Path, folder: Path, *answers: str) -> subprocess.CompletedProcess[str]:
    """Cookiecutter, as a user calls it."""
    call = [sys.executable, "-m", "cookiecutter", str(template), "--no-input", "--default-config"]
    command = [*call, "--output-dir", str(folder), *answers]
    return subprocess.run(command, capture_output=True, text=True)


def test_every_bad_answer_is_named_at_once_and_nothing_is_left(
    template: Path, tmp_path: Path
) -> None:
    refused = run(template, tmp_path, "project_slug=Bad Slug", "author= ", "description=a\tb")

    assert refused.returncode != 0
    for words in "project_slug is 'Bad Slug'", "author is ' '", "description is 'a\\tb'":
        assert words in refused.stderr
    assert refused.stderr.count("for example") == 3
    assert "Traceback" not in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "slug",
    [
        "../evil",
        "a/b",
        "a/b/c",
        "9lives",
        "-x",
        "x-",
        "a--b",
        "Ünï",
        "con",
        "app",
        "nats_py",
        "x" * 65,
        "a.b",
        "a b",
    ],
)
def test_a_bad_slug_is_refused_and_leaves_nothing(
    template: Path, tmp_path: Path, slug: str
) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()

    refused = run(template, folder, f"project_slug={slug}")

    assert refused.returncode != 0
    assert "project_slug is" in refused.stderr
    assert list(folder.iterdir()) == []
    assert [path.name for path in tmp_path.iterdir()] == ["inner"]


def test_a_bad_slug_takes_nothing_of_others_away(template: Path, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine.txt").write_text("mine")

    assert run(template, tmp_path, "project_slug=a/b").returncode != 0
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("My Orders", "my-orders"),
        ("Größen Büro №7", "grossen-buro-no7"),
        ("Bob's  Shop & Co.", "bob-s-shop-co"),
        ("★", "service"),
        ("n" * 80, "n" * 64),
        ("2048 Game", "service-2048-game"),
        ("★ " + "7" * 78, "service-" + "7" * 56),
    ],
)
def test_a_slug_is_made_of_whatever_name(bake: Bake, name: str, slug: str) -> None:
    assert bake(project_name=name).name == slug


def test_no_project_has_the_name_of_a_package_that_it_depends_on() -> None:
    table = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    extras, groups = table["project"]["optional-dependencies"], table["dependency-groups"]
    asked = chain(table["project"]["dependencies"], *extras.values(), *groups.values())
    hook = (ROOT / "hooks" / "pre_gen_project.py").read_text()
    refused = re.search(r'^PACKAGES = """(.*?)"""', hook, re.S | re.M)

    assert refused
    assert {re.split(r"[\[>]", each)[0] for each in asked} <= {*refused[1].split()}


@pytest.mark.parametrize("choice", ["license", "python", "starter", "client", "ci"])
def test_a_choice_that_does_not_exist_is_refused(
    template: Path, tmp_path: Path, choice: str
) -> None:
    refused = run(template, tmp_path, f"{choice}=nonsense")

    assert refused.returncode != 0
    assert "nonsense" in refused.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", STRANGE)
def test_strange_text_survives(bake: Bake, text: str) -> None:
    project = bake(project_name=text, project_slug="strange", description=text, author=text)

    table = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    assert table["description"] == text
    assert table["authors"][0]["name"] == text
    assert text in (project / "LICENSE").read_text()
    assert (project / "README.md").read_text().startswith(f"# {text}\n\n{text}\n")
    assert yaml.safe_load((project / "compose.yaml").read_text())["services"]


def test_a_project_is_baked_again_from_the_answers_that_it_keeps(
    bake: Bake, template: Path, tmp_path: Path
) -> None:
    name = "{{ variable }}, # {% block %}, # {# comment"
    braced = name.replace("{", '{{ "{" }}')  # what is given here is rendered, too
    texts = {"project_name": braced, "description": " ".join(STRANGE), "author": STRANGE[-1]}
    others = {"license": "Proprietary", "python": "3.11", "starter": "blank", "ci": "none"}
    project = bake(project_slug="strange", **texts, **others)

    answers = project / ".cookiecutter.json"
    again = cookiecutter(
        str(template), no_input=True, config_file=str(answers), output_dir=str(tmp_path)
    )

    assert (project / "README.md").read_text().startswith(f"# {name}\n")
    assert files(Path(again)) == files(project)


@pytest.mark.parametrize(
    ("stands_in", "said"),
    [(".", "cd baked"), ("new/her work", "cd ../../baked"), ("new/link", "cd /"), (None, "cd /")],
)
def test_the_next_commands_are_right_where_the_user_is(
    bake: Bake,
    tmp_path_factory: pytest.TempPathFactory,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    stands_in: str | None,
    said: str,
) -> None:
    base = tmp_path_factory.getbasetemp().resolve()
    (base / "new" / "her work").mkdir(parents=True, exist_ok=True)
    if stands_in == "new/link":
        (base / stands_in).symlink_to(base / "new")
    monkeypatch.setenv("PWD", str(base / (stands_in or "")))
    if stands_in is None:
        monkeypatch.delenv("PWD")
    project = bake(project_slug="mine", starter="blank")

    printed = capfd.readouterr().out
    (cd,) = re.findall("^    (cd .*)", printed, re.M)
    entered = ["bash", "-c", f"cd {shlex.quote(str(base / (stands_in or '')))} && {cd} && pwd -P"]
    assert cd.replace("'", "").startswith(said)
    assert subprocess.check_output(entered, text=True).strip() == str(project.resolve())
    assert "uv run python -m app" in printed
    assert "uv run pytest -m 'not slow'" in printed


def test_who_stands_in_the_project_has_nowhere_to_go(
    template: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers, where = {"project_name": "Mine", "project_slug": "mine"}, str(tmp_path)
    (tmp_path / "mine").mkdir()
    monkeypatch.setenv("PWD", str(tmp_path / "mine"))

    cookiecutter(
        str(template),
        no_input=True,
        default_config=True,
        extra_context=answers,
        output_dir=where,
        overwrite_if_exists=True,
    )

    printed = capfd.readouterr().out
    assert "Mine is in this folder. Next:\n\n    uv sync" in printed
