"""Every combination of answers makes a clean project, and the same one each time."""

import json
import re
import tomllib
from itertools import product
from pathlib import Path

import pytest

from tests.conftest import ROOT, Bake

QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text())
CHOICES = {name: answers for name, answers in QUESTIONS.items() if isinstance(answers, list)}
CHOICES.pop("_copy_without_render")
DEFAULTS = CHOICES["starter"][0], CHOICES["license"][0]
OTHERS = [
    pytest.param(*each, marks=pytest.mark.slow)
    for each in product(CHOICES["starter"], CHOICES["license"])
    if each != DEFAULTS
]
JINJA = re.compile(r"\{\{ ?cookiecutter|\{%|\{#|cookiecutter\.")
FEATURES = {
    "showcase": {
        "revocation",
        "orders",
        "inventory",
        "notifications",
        "documents",
        "jobs",
        "metrics",
        "chat",
    },
    "orders": {"orders", "inventory", "revocation"},
    "blank": {"counter", "revocation"},
}


def combinations(*names: str) -> list[dict[str, str]]:
    """Every combination of the answers to these questions."""
    chosen = {name: CHOICES[name] for name in names}
    return [dict(zip(chosen, answers, strict=True)) for answers in product(*chosen.values())]


def files(project: Path) -> dict[str, bytes]:
    """What is in a project, by path."""
    found = sorted(path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in found}


@pytest.mark.parametrize(("starter", "license_"), [DEFAULTS, *OTHERS])
def test_every_combination_bakes_and_leaves_nothing_of_the_template(
    bake: Bake, starter: str, license_: str
) -> None:
    for answers in combinations("python", "client", "ci"):
        project = bake(starter=starter, license=license_, **answers)

        tree = files(project)
        for name, content in tree.items():
            assert not JINJA.search(content.decode()), f"{name} still has Jinja in it"
            assert "{{" not in name
        assert {path.name for path in (project / "app/domain").iterdir() if path.is_dir()} == (
            FEATURES[starter]
        )
        assert (project / "client").exists() is (answers["client"] == "javascript")
        assert (project / ".github").exists() is (answers["ci"] == "github")
        assert f"ARG PYTHON={answers['python']}\n".encode() in tree["Dockerfile"]
        assert tomllib.loads(tree["pyproject.toml"].decode())["project"]["name"] == "order-service"
        for pattern in ("*.pyc", "*.lock", "*.db", "__pycache__", ".venv"):
            assert not list(project.rglob(pattern))


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_a_starter_says_nothing_of_features_that_it_has_not(bake: Bake, starter: str) -> None:
    others = {
        "orders": r"PlaceOrder|domain\.orders|/orders|order_expiry",
        "inventory": r"domain\.inventory|/inventory",
        "counter": r"domain\.counter|Increment",
        "notifications": r"SendMail|domain\.notifications|/notifications|core\.mail",
        "documents": r"EditDocument|domain\.documents|/documents",
        "jobs": r"StartBatch|domain\.jobs|/jobs|core\.work",
        "metrics": r"ReportMetrics|MetricsUpdated|domain\.metrics",
        "chat": r"SendMessage|domain\.chat|/chat",
    }
    tree = files(bake(starter=starter))
    for feature, traces in others.items():
        if feature not in FEATURES[starter]:
            for name, content in tree.items():
                assert not re.search(traces, content.decode()), f"{name} speaks of {feature}"


@pytest.mark.parametrize("starter", CHOICES["starter"])
def test_two_bakes_are_the_same_to_the_byte(bake: Bake, starter: str) -> None:
    first, second = (files(bake(starter=starter)) for _ in range(2))

    assert len(first) > 50
    assert first == second


def test_the_dashboards_of_two_projects_have_a_place_each_in_grafana(bake: Bake) -> None:
    places = {}
    for slug in ("my-orders", "n" * 64):
        dashboard = json.loads((bake(project_slug=slug) / "docs/grafana.json").read_text())
        places[dashboard["uid"]] = dashboard["title"]

    assert places == {"my-orders": "my-orders", "n" * 40: "n" * 64}  # 40 are all it takes
