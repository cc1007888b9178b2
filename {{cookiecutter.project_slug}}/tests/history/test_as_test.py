"""A moment of the log, copied as a test, passes as it is; and fails when the rules change."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from fastapi import FastAPI

from app.bootstrap import create_app
from app.core.principal import Principal, Role
from app.core.rejected import Rejected
from app.runtime.event_log.port import Entry
from app.runtime.scenario import scenario_at
from app.runtime.search import GIVEN_AT, GIVEN_SEED
from app.settings import Settings
from app.wire.as_test import as_test
from tests.history.pasting import at_rest, copied, may_see_all, never_gone, run
from tests.scenario import NOW_AND_HERE
from tests.simulation.features import FEATURES

OLGA = Principal("olga", Role.OPERATOR)
PEOPLE = (Principal("ada", Role.CUSTOMER), Principal("bob", Role.CUSTOMER), OLGA, OLGA)
COMMANDS = 150
OF_A_KIND = 3
NAME = re.compile(r"\w+")

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


def test_what_is_given_is_tried_as_scenarios_apply_it() -> None:
    assert (NOW_AND_HERE.time, NOW_AND_HERE.seed) == (GIVEN_AT, GIVEN_SEED)


@pytest.fixture
async def app() -> AsyncIterator[FastAPI]:
    """The application after people did, and tried to do, whatever its features are for."""
    app = create_app(Settings(event_log="memory://", _env_file=None))  # type: ignore[call-arg]
    async with app.router.lifespan_context(app):
        chance, store = Random(7), app.state.store  # noqa: S311 - chosen, not secret
        for _ in range(COMMANDS):
            by = chance.choice(PEOPLE)
            feature = chance.choice(FEATURES)
            try:
                await store.dispatch(feature.command(chance, store.state, by), by=by)
            except Rejected:
                continue
        await at_rest(store)
        yield app


async def decisions(app: FastAPI) -> list[Entry]:
    """A few of each kind, by the command and by what came of it."""
    kinds: dict[tuple[str, ...], list[Entry]] = {}
    for entry in await app.state.history.entries(0, 10_000):
        if entry.action is not None:
            names = [NAME.findall(text or "")[:1] for text in (entry.action, entry.event)]
            kinds.setdefault(tuple(str(name) for name in names), []).append(entry)
    return [entry for some in kinds.values() for entry in some[-OF_A_KIND:]]


async def test_each_kind_of_decision_is_a_test_that_passes_and_that_the_rules_can_fail(
    app: FastAPI, tmp_path: Path
) -> None:
    project = copied(tmp_path)
    pasted = project / "tests" / "pasted"
    for entry in await decisions(app):
        scenario = await scenario_at(app.state.history, entry.position, may_see_all, never_gone)
        assert scenario.is_least
        (pasted / f"test_position_{entry.position}.py").write_text(as_test(scenario))
    count = len(list(pasted.glob("test_*.py")))

    passed = run(project, "pytest", "-q", "tests/pasted")
    formatted = run(project, "ruff", "format", "--check", "tests/pasted")
    linted = run(project, "ruff", "check", "--ignore", "E501", "tests/pasted")
    root = project / "app" / "domain" / "__init__.py"
    root.write_text(
        root.read_text().replace("return state, effects\n", "return state, effects[1:]\n")
    )
    broken = run(project, "pytest", "-q", "tests/pasted")

    assert f"{count} passed" in passed.stdout, passed.stdout
    assert formatted.returncode == 0, formatted.stdout
    assert linted.returncode == 0, linted.stdout
    assert f"{count} failed" in broken.stdout, broken.stdout
