"""`python -m app schema`: what is said on the live connection, in the languages of others."""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from app.api.asyncapi import asyncapi
from app.cli.reading import Commands, Refused, settings_of_a_command
from app.wire.schema import json_schema, schemas
from app.wire.typescript import declarations


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "schema",
        help="describe the messages for clients and tools",
        description="Prints what is said on the live connection, made from the types that read "
        "and write it: JSON Schema (2020-12), declarations for TypeScript, or AsyncAPI 3.",
    )
    found.add_argument("language", choices=list(LANGUAGES), help="what to print")
    found.add_argument("--output", type=Path, metavar="FILE", help="where to write it instead")
    found.set_defaults(run=run, deed="print the schema")


def run(options: argparse.Namespace) -> int:
    """Print or write it; the same code gives the same text, and a mistake leaves a file alone."""
    try:
        text = LANGUAGES[options.language]()
    except ValueError as problem:  # what the language has no words for
        raise Refused(str(problem)) from problem
    if options.output is None:
        print(text, end="")
    else:
        try:
            options.output.write_text(text, "utf-8")
        except OSError as problem:
            raise Refused(str(problem)) from problem
    return 0


def as_json(document: object) -> str:
    """JSON for people and for `diff`."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _asyncapi() -> str:
    settings = settings_of_a_command()
    return as_json(asyncapi(f"{settings.host}:{settings.port}", "ws"))


LANGUAGES: Mapping[str, Callable[[], str]] = {
    "jsonschema": lambda: as_json(json_schema()),
    "typescript": lambda: declarations(schemas()),
    "asyncapi": _asyncapi,
}
