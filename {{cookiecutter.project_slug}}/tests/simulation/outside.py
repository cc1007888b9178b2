"""The world outside of the service, which is slow, unwilling or broken now and then."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from app.core.ports import Unavailable
from app.runtime.attempts import STEP_SECONDS
from tests.simulation.weather import CALM, Weather


@dataclass(slots=True)
class Outside:
    """What simulated ports share; it survives the crashes of the service."""

    chance: Random
    met: Counter[str]
    weather: Weather = field(default=CALM)

    async def trouble(self) -> None:
        """Take a moment, and perhaps fail: for now, for good, or by a mistake."""
        fate = self.chance.random()
        seconds = self.chance.expovariate(1 / self.weather.outside_seconds)
        if fate < self.weather.outside / 10:
            self.met["outside hangs"] += 1
            seconds = STEP_SECONDS + 100
        await asyncio.sleep(seconds)
        for share, fault in (
            (0.5, Unavailable("not now")),
            (0.8, ConnectionResetError("the line broke")),
            (1.0, ValueError("a mistake")),
        ):
            if fate < self.weather.outside * share:
                self.met[f"outside: {type(fault).__name__}"] += 1
                raise fault
