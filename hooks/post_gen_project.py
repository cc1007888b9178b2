"""Deletes what the answers leave out, writes them down, and says what to do next.

It does nothing else.
"""

import json
import os
import shlex
import shutil
from pathlib import Path

ANSWERS = json.loads({{cookiecutter | jsonify | jsonify}})  # noqa: F821 - rendered before it runs


def feature(name):
    """The files of one feature: not every one has routes, a panel, or more for the dashboard."""
    panel, others = f"app/dashboard/panels/{name}.js", f"app/dashboard/{name}"
    some = [Path(f"app/api/{name}.py"), Path(panel), Path(others), Path(f"bench/{name}.json")]
    return [f"app/domain/{name}", f"tests/{name}", *filter(Path.exists, some)]


COUNTER = feature("counter")
SHOP = [*feature("orders"), *feature("inventory")]
SHOW = [
    *feature("notifications"),
    *feature("documents"),
    *feature("jobs"),
    *feature("metrics"),
    *feature("chat"),
    "app/core/mail.py",
    "app/core/work.py",
    "app/adapters/mail.py",
    "app/adapters/work.py",
    "app/live/attendance.py",
    "app/live/presence.py",
    "app/live/pulse.py",
    "app/live/turns.py",
    "app/observe/traffic.py",
]

# What an answer leaves out.
PRUNED = {
    ("starter", "showcase"): COUNTER,
    ("starter", "orders"): [*COUNTER, *SHOW],
    ("starter", "blank"): [*SHOP, *SHOW],
    ("client", "none"): ["client", "tests/schema/test_client.py"],
    ("ci", "none"): [".github"],
}

# Files of which another starter has its own, as `protocol.blank.d.ts` beside `protocol.d.ts`.
OF_STARTER = ("client/protocol.d.ts", "load/command.json")


def choose():
    """Give the starter's own file the name, and delete those of the others."""
    for path in map(Path, OF_STARTER):
        stem, ends = path.name.split(".", 1)
        for own in path.parent.glob(f"{stem}.*.{ends}"):
            if own.name == f"{stem}.{ANSWERS['starter']}.{ends}":
                own.replace(path)
            else:
                own.unlink()


def prune():
    """Delete every path that an answer leaves out; a path that is not there is a mistake here."""
    for (question, answer), paths in PRUNED.items():
        if ANSWERS[question] == answer:
            for path in map(Path, paths):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_answers_down():
    """Leave a configuration with which Cookiecutter bakes the same again.

    It renders what it reads there, so a brace is an expression that gives one. And it reads YAML,
    which takes each half of an escaped emoji for a character of its own.
    """
    public = {name: text for name, text in ANSWERS.items() if not name.startswith("_")}
    given = {name: text.replace("{", "{" + '{"{"}' + "}") for name, text in public.items()}
    text = json.dumps({"default_context": given}, ensure_ascii=False, indent=2)
    Path(".cookiecutter.json").write_text(f"{text}\n", encoding="utf-8")


def place():
    """The project's folder, from where the user's shell stands: that is PWD, where there is one."""
    project, shell = Path.cwd(), Path(os.environ.get("PWD", ""))
    if not shell.is_absolute():
        return str(project)
    way = os.path.relpath(project, shell.resolve())
    # Where a shell came in by a symbolic link, its `..` is another folder.
    if way.startswith("..") and shell != shell.resolve():
        return str(project)
    return min(way, str(project), key=len)


def say_what_next():
    """Print the commands that come next."""
    way = place()
    where, enter = ("this folder", "") if way == "." else (way, f"    cd {shlex.quote(way)}\n")
    print(
        f"""
{ANSWERS["project_name"]} is in {where}. Next:

{enter}    uv sync
    uv run python -m app        # then open http://127.0.0.1:3000
    uv run pytest -m 'not slow' # some minutes; without -m: crashes and databases, too
"""
    )


choose()
prune()
write_answers_down()
say_what_next()
