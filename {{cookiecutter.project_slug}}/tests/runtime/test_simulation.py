"""The Store on simulated disks: hundreds of crashes pass, and every sabotage is found."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain import State
from tests.simulation import features
from tests.simulation.features import FEATURES, Story
from tests.simulation.sabotage import OF_THE_STORE, Patch
from tests.simulation.sabotage_nodes import OF_NODES
from tests.simulation.sabotage_time import OF_TIME
from tests.simulation.schedule import simulate
from tests.simulation.violation import Violation

ROOT = Path(__file__).parents[2]
SCHEDULES = 200
SCHEDULES_FOR_A_SABOTAGE = 1000
# Failures that every run of so many schedules comes upon.
MET = {
    "arrived late",
    "broken after",
    "broken before",
    "clock set back",
    "clock set forward",
    "conflict",
    "crashed",
    "duplicate",
    "ended by its disk",
    "full",
    "held",
    "id forgotten",
    "id reused",
    "impatience",
    "lease taken",
    "line cut",
    "lost after",
    "lost before",
    "moved",
    "overtaken",
    "refused",
    "schedules with several nodes",
    "snapshot of other code",
    "snapshot used",
    "stopped",
    "unavailable",
}


def simulate_many(schedules: int) -> Counter[str]:
    """What was met in so many schedules; raises Violation."""
    return sum((simulate(seed).met for seed in range(schedules)), Counter())


def test_hundreds_of_schedules_pass_and_meet_every_failure() -> None:
    met = simulate_many(SCHEDULES)

    assert set(met) >= MET


@pytest.mark.slow
def test_the_same_seed_gives_the_same_run_in_any_process() -> None:
    seeds = range(4703, 4718)  # in some of them Delays wait while the service starts again
    program = (
        "from tests.simulation.schedule import simulate\n"
        f"print(*(simulate(seed).digest() for seed in {seeds!r}))"
    )

    digests = {
        subprocess.run(  # noqa: S603
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    }

    assert digests == {" ".join(simulate(seed).digest() for seed in seeds)}
    assert digests != {simulate(4712).digest()}


def test_a_check_that_stumbles_is_told_with_its_feature(monkeypatch: pytest.MonkeyPatch) -> None:
    def finish(story: Story) -> None:
        story.ports["no such port"]

    odd = replace(FEATURES[0], name="odd", finish=finish)
    monkeypatch.setattr(features, "FEATURES", [odd])

    with pytest.raises(Violation, match="odd: KeyError\\('no such port'\\)"):
        features.check_story(Story(State(), {}))


SABOTAGES = {**OF_THE_STORE, **OF_TIME, **OF_NODES}
NAMES = {None, *(feature.name for feature in FEATURES)}
HARMFUL = [sabotage for sabotage, feature in SABOTAGES.items() if feature in NAMES]


@pytest.mark.slow
@pytest.mark.parametrize("sabotage", HARMFUL, ids=lambda sabotage: sabotage.__name__)
def test_every_sabotage_is_found(
    sabotage: Callable[[Patch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    sabotage(monkeypatch)

    with pytest.raises(Violation) as found:
        simulate_many(SCHEDULES_FOR_A_SABOTAGE)

    mistakes_of_this_test = TypeError, AttributeError, NameError
    assert not isinstance(found.value.__cause__, mistakes_of_this_test), found.value
