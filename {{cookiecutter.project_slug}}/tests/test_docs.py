"""What README and docs/ name is there, and what they advise does what they say."""

import asyncio
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.runtime.event_log.port import Entry
from app.runtime.event_log.sqlite import SqliteLog
from app.runtime.event_log.sqlite_reader import SqliteReader
from tests.service import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)#]+)\)")
MENTION = re.compile(r"`((?:app|docs|tests)/[\w/.-]*\.\w+)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_files_that_are_there(page: object) -> None:
    text = (ROOT / str(page)).read_text()
    linked = [link for link in LINK.findall(text) if "://" not in link]

    for name in linked + MENTION.findall(text):
        assert (ROOT / name).exists(), name


@pytest.mark.anyio
async def test_the_addresses_of_the_readme_are_there(http: httpx.AsyncClient) -> None:
    table = (ROOT / "README.md").read_text().partition("| address | what |")[2]
    addresses = re.findall(r"`(/[\w/]+)`", table.partition("\n\n")[0])

    assert len(addresses) > 5
    for address in set(addresses) - {"/api/v1/events"}:  # which would not end
        assert (await http.get(address)).status_code != 404, address


def test_a_name_that_is_erased_by_hand_is_nowhere_in_the_file(tmp_path: Path) -> None:
    name, file = "ada@example.org", tmp_path / "events.db"
    text = json.dumps({"A": name}, separators=(",", ":"))
    entry = Entry(1, 0, "k1", name, "customer", f"{name}-1", text, text, text, outcome=text)
    asyncio.run(store(file, entry))
    page = (ROOT / "docs" / "log.md").read_text()
    recipe = page.partition("<<'SQL'\n")[2].partition("    SQL\n")[0]
    assert name in recipe

    with closing(sqlite3.connect(file, isolation_level=None)) as by_hand:
        by_hand.executescript(recipe)

    assert name.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
    with closing(SqliteReader(file)) as reader:
        (erased,) = reader.entries()
    text = '{"A":"erased"}'
    assert erased == entry._replace(
        principal="erased", cause="erased-1", action=text, event=text, effects=text, outcome=text
    )


async def store(file: Path, entry: Entry) -> None:
    """Make a log of one entry."""
    log = SqliteLog(file)
    await log.append(0, [entry])
    await log.close()
