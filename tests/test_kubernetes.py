"""What deploy/kubernetes.yaml says is what the cluster and the service understand."""

import re
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml

from tests.conftest import Bake
from tests.guide.running import service_in

VERSIONS = ("1.30", kubernetes_validate.latest_version())
KINDS = ("Deployment", "PodDisruptionBudget", "Service", "Ingress")
LABEL = "app.kubernetes.io/name"
# What a stop takes beside APP_DRAIN_SECONDS, as docs/deployment.md says: a snapshot, and a few.
SNAPSHOT_SECONDS, SECONDS_BETWEEN = 10, 3


def manifests(project: Path) -> dict[str, Any]:
    """What is to be applied, by kind."""
    text = (project / "deploy/kubernetes.yaml").read_text()
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


@pytest.fixture(scope="module")
def project(bake: Bake) -> Path:
    """A project with the default answers."""
    return bake()


@pytest.fixture(scope="module")
def applied(project: Path) -> dict[str, Any]:
    """What it applies."""
    return manifests(project)


@pytest.fixture(scope="module")
def pod(applied: dict[str, Any]) -> Any:
    """What the Deployment makes three of."""
    return applied["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod: Any) -> Any:
    """The one container of it."""
    (only,) = pod["containers"]
    return only


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_of_kubernetes_accepts_it(
    applied: dict[str, Any], kind: str, version: str
) -> None:
    assert tuple(applied) == KINDS
    kubernetes_validate.validate(applied[kind], version, strict=True)


@pytest.mark.parametrize(
    ("slug", "name"),
    [("order-service", "order-service"), ("my_shop", "my-shop"), ("a" * 59 + "-bcde", "a" * 59)],
)
def test_the_names_are_made_of_the_slug_and_fit(bake: Bake, slug: str, name: str) -> None:
    applied = manifests(bake(project_slug=slug))
    deployment, ingress = applied["Deployment"]["spec"], applied["Ingress"]["spec"]

    assert {document["metadata"]["name"] for document in applied.values()} == {name}
    assert deployment["template"]["spec"]["containers"][0]["image"] == f"{slug}:latest"
    selectors = [
        deployment["selector"]["matchLabels"],
        deployment["template"]["metadata"]["labels"],
        applied["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        applied["Service"]["spec"]["selector"],
    ]
    assert selectors == [{LABEL: name}] * 4
    for path in ingress["rules"][0]["http"]["paths"]:
        assert path["backend"]["service"] == {"name": name, "port": {"name": "http"}}


def test_a_stop_is_never_a_kill(pod: Any, container: Any, project: Path) -> None:
    env = {item["name"]: item["value"] for item in container["env"]}
    before = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    stop = int(env["APP_DRAIN_SECONDS"]) + SNAPSHOT_SECONDS + SECONDS_BETWEEN
    compose = yaml.safe_load((project / "compose.yaml").read_text())["x-service"]

    assert pod["terminationGracePeriodSeconds"] >= before + stop
    assert int(compose["stop_grace_period"].removesuffix("s")) >= stop


def test_it_runs_as_the_image_does_and_may_write_nothing(
    pod: Any, container: Any, project: Path
) -> None:
    user = re.search(r"^USER (\d+):(\d+)$", (project / "Dockerfile").read_text(), re.M)

    assert user
    said = pod["securityContext"]
    assert (said["runAsUser"], said["runAsGroup"]) == (int(user[1]), int(user[2]))
    assert said["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_a_service_named_app_does_not_set_its_settings(pod: Any) -> None:
    assert pod["enableServiceLinks"] is False


def test_settings_of_the_manifest_are_settings(container: Any, project: Path) -> None:
    example = (project / ".env.example").read_text()
    text = (project / "deploy/kubernetes.yaml").read_text()

    named = {item["name"] for item in container["env"]}
    for name in named | set(re.findall(r"(APP_[A-Z_]+)=", text)):
        assert f"# {name}=" in example, name


@pytest.mark.slow
def test_the_paths_of_probes_and_ingress_are_routes(
    applied: dict[str, Any], container: Any, tmp_path: Path
) -> None:
    rules = applied["Ingress"]["spec"]["rules"][0]["http"]["paths"]
    prefixes = tuple(rule["path"] for rule in rules if rule["pathType"] == "Prefix")
    below = {"/api": "/api/v1/snapshot", "/docs": "/docs/ws", "/dashboard": "/dashboard/main.js"}
    probes = [
        container[name]["httpGet"]["path"]
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
    ]
    service = service_in(tmp_path).start()
    try:
        with httpx.Client(base_url=service.url) as http:
            for path in probes:
                assert http.get(path).status_code == 200, path
            for path in [below.get(rule["path"], rule["path"]) for rule in rules]:
                assert http.get(path).status_code != 404, path
            known = http.get("/openapi.json").json()["paths"]
    finally:
        service.kill()

    assert set(below) == set(prefixes)
    assert [path for path in known if not path.startswith(prefixes)] == ["/health", "/health/ready"]
