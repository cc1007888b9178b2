"""What README and docs/ name is there."""

import re

import httpx
import pytest

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
