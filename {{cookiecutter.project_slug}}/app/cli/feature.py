"""`python -m app feature`: writes a new feature, and prints the lines to add to what is there."""

import argparse
import ast
import builtins
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import get_args

from app import domain
from app.cli.additions import ADDITIONS, Addition
from app.cli.reading import Commands, Refused

PROJECT = Path(__file__).parent.parent.parent
SCAFFOLD = PROJECT / "app" / "scaffold"
DECLARATIONS = "client/protocol.d.ts"  # of the npm package, where there is one
TABLES = "tests_policy.py"
LONGEST = 20
# What is written, by what it is made of; None is an empty file.
FILES: Mapping[str, str | None] = {
    "app/domain/things/__init__.py": None,
    "app/domain/things/actions.py": "actions.py",
    "app/domain/things/state.py": "state.py",
    "app/domain/things/reducer.py": "reducer.py",
    "app/api/things.py": "routes.py",
    "tests/things/__init__.py": None,
    "tests/things/policy.py": TABLES,
    "tests/things/test_rules.py": "tests_rules.py",
    "tests/things/test_doors.py": "tests_doors.py",
}
# Names that the code around a feature uses for values.
TAKEN = {"action", "asked", "env", "event", "principal", "router", "state", "v1"}


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "feature",
        help="write a new feature, with tests",
        description="Writes a small feature that works (one command, one event, a rule, a view, "
        "two routes) with its tests, and prints the lines to add to the files that put all "
        "features together. It changes no file that is there.",
    )
    found.add_argument("name", metavar="NAME", help="small letters, a plural: invoices")
    found.add_argument("--one", metavar="NAME", help="the singular, where it is not the obvious")
    found.set_defaults(run=run, deed="write the feature")


def run(options: argparse.Namespace) -> int:
    """Write the files and print the lines; raises Refused, and nothing is written."""
    names = Names(options.name, options.one or singular(options.name))
    require_names(names)
    files = {names.put_in(path): source for path, source in FILES.items()}
    require_room(files, PROJECT)
    for path, source in files.items():
        text = "" if source is None else written(source, names)
        (PROJECT / path).parent.mkdir(exist_ok=True)
        with (PROJECT / path).open("x", encoding="utf-8") as file:
            file.write(text)
        print(f"wrote {path}")
    print("\n".join(_instructions(names)))
    return 0


@dataclass(frozen=True, slots=True)
class Names:
    """What a feature is called, in the plural and the singular: `invoices` and `invoice`."""

    many: str
    one: str

    def put_in(self, text: str) -> str:
        """A text about things, as one about these."""
        words = {
            "things": self.many,
            "thing": self.one,
            "Things": class_name(self.many),
            "Thing": class_name(self.one),
        }
        return re.sub("[Tt]hings?", lambda found: words[found[0]], text)


def class_name(name: str) -> str:
    """`line_items` as `LineItems`."""
    return "".join(map(str.capitalize, name.split("_")))


def singular(name: str) -> str:
    """One of them, by the rules of English; what has no plural becomes an item."""
    if re.search("[^aeiou]ies$", name):
        return f"{name[:-3]}y"
    if re.search("(s|x|z|ch|sh)es$", name):
        return name[:-2]
    if re.search("[^su]s$", name):
        return name[:-1]
    return f"{name}_item"


def written(source: str, names: Names) -> str:
    """What becomes of a file of the scaffold."""
    text = names.put_in((SCAFFOLD / source).read_text("utf-8"))
    return aligned(text) if source == TABLES else text


def aligned(text: str) -> str:
    """The same, with the cells of its tables below each other again: names are of any length."""
    return re.sub('(?<= = """\n)[^"]*', lambda found: _table(found[0]), text)


def require_names(names: Names) -> None:
    """Raise Refused if a feature cannot be called so."""
    for name in (names.many, names.one):
        if not re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or len(name) > LONGEST:
            raise Refused(
                f"{name!r} is no name for it: use small letters, digits and _, "
                f"a letter first, {LONGEST} at most; for example invoices"
            )
        if keyword.iskeyword(name) or name in TAKEN or hasattr(builtins, name):
            raise Refused(
                f"{name} means something else in Python, or in the code around it: choose another "
                "name, or say the singular with --one"
            )
    if names.many == names.one:
        raise Refused(
            f"the plural and the singular must differ, and both are {names.many}: say another "
            "singular with --one"
        )
    clashes = _new_names(names) & (_names_around() | _wire_names())
    if clashes:
        raise Refused(
            f"there is another {', '.join(sorted(clashes))} already: choose another name, or say "
            "another singular with --one"
        )


def require_room(files: Iterable[str], project: Path) -> None:
    """Raise Refused if one of the files, or what would be read in its place, is there already."""
    if not (project / "tests" / "scenario.py").exists():
        raise Refused(
            f"there are no tests beside {project / 'app'}: run it in the project's folder"
        )
    for file in map(Path, files):
        package = file.parent if file.name == "__init__.py" else file.with_suffix("")
        for there in (file, package, package.with_suffix(".py")):
            if (project / there).exists():
                raise Refused(f"{there} is there already: choose another name, or delete it first")


def _table(text: str) -> str:
    heads, *rows = [line.split() for line in text.splitlines()]
    table = [["", *heads], *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    padded = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)
    return "".join(f"    {row}\n" for row in padded)


def _new_names(names: Names) -> set[str]:
    """The classes that would be made."""
    texts = (SCAFFOLD / source for source in FILES.values() if source is not None)
    found = {name for text in texts for name in _classes(text)}
    aliases = {"ThingCommand", "ThingEvent", "ThingAction"}
    return {names.put_in(name) for name in found | aliases}


def _classes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ClassDef):
            yield node.name


def _names_around() -> set[str]:
    """What stands for something else where those classes are used."""
    found = set(vars(domain))
    for path in SCAFFOLD.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and "things" not in (node.module or ""):
                found |= {alias.asname or alias.name for alias in node.names}
    return found


def _wire_names() -> set[str]:
    """Every action has one name, whichever feature it is of."""
    return {cls.__name__ for union in (domain.Command, domain.Event) for cls in get_args(union)}


def _instructions(names: Names) -> Iterator[str]:
    yield "\nAdd the lines with a +, each below what stands before it.\n"
    for file, some in groupby(ADDITIONS, key=attrgetter("file")):
        yield f"{file}\n"
        for addition in some:
            yield from _printed(addition, names)
    yield "Then, with `uv run` before each or in the project's environment:\n"
    yield "    ruff format && ruff check --fix"
    yield f"    mypy && pytest tests/{names.many} tests/policy"
    if (PROJECT / DECLARATIONS).exists():
        yield f"    python -m app schema typescript --output {DECLARATIONS}"
    yield "\nThe tests fail while a line is missing. Your rules come next, in"
    yield names.put_in("app/domain/things/reducer.py.")
    yield "\nThe dashboard shows its state as JSON. For a panel of its own copy"
    yield names.put_in("app/dashboard/panels/generic.js to app/dashboard/panels/things.js.")


def _printed(addition: Addition, names: Names) -> Iterator[str]:
    for line in addition.below.splitlines():
        yield f"    {line}"
    for line in addition.lines:
        yield f"  + {names.put_in(line)}".rstrip()
    yield ""
