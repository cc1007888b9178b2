"""What several processes count, as one: whichever of them is asked, tells of all.

Each writes its numbers into mapped files of a folder that all share: the multiprocess mode of
prometheus_client. Counters and histograms are added up, and outlive the process; gauges are written
once a second, and are forgotten with it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from app.observe.beating import beating
from app.observe.metrics import Metrics
from app.observe.series import Reading, Together

WRITE_SECONDS = 1.0
CPU = "process_cpu_seconds_total"
STARTED = "process_start_time_seconds"


class SharedMetrics(Metrics):
    """The metrics of one process of several, for the whole of its life.

    `number` is no other living process's. Who comes after it under the same number goes on counting
    in its files, so that there are never more of them than numbers.
    """

    def __init__(self, folder: Path, number: int) -> None:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
        values.ValueClass = values.MultiProcessValue(lambda: number)  # type: ignore[no-untyped-call]
        super().__init__()
        self._readings: dict[str, tuple[Gauge, Reading]] = {}
        self._of_process: dict[str, Gauge] = {}
        self._cpu = Counter("process_cpu_seconds", "CPU time spent in seconds.", registry=None)
        self._cpu_seconds = 0.0
        self._all = CollectorRegistry()
        MultiProcessCollector(self._all, str(folder))  # type: ignore[no-untyped-call]

    @asynccontextmanager
    async def reading(self, readings: Iterable[Reading]) -> AsyncIterator[None]:
        """Have these gauges written for whoever asks, as long as the context lasts."""
        for each in readings:
            self._readings[each.name] = _gauge(each.name, each.description, each.together), each
        try:
            self._write()
            async with beating("metrics of this process", WRITE_SECONDS, self._write):
                yield
        finally:
            self._readings.clear()

    async def exposed(self, encode: Callable[[CollectorRegistry], bytes]) -> bytes:
        """All metrics of all processes; their gauges are a second old at most."""
        self._write()
        return await asyncio.to_thread(encode, self._all)

    def _write(self) -> None:
        for gauge, reading in self._readings.values():
            gauge.set(reading.read())
        for family in self.process.collect():
            for sample in family.samples:
                if sample.name == CPU:
                    self._cpu.inc(sample.value - self._cpu_seconds)
                    self._cpu_seconds = sample.value
                else:
                    self._gauge_of_process(sample.name, family.documentation).set(sample.value)

    def _gauge_of_process(self, name: str, description: str) -> Gauge:
        if name not in self._of_process:
            together: Together = "livemin" if name == STARTED else "livesum"
            self._of_process[name] = _gauge(name, description, together)
        return self._of_process[name]


def forget(folder: Path, number: int) -> None:
    """Take away the gauges of a process that has ended."""
    mark_process_dead(number, str(folder))  # type: ignore[no-untyped-call]


def _gauge(name: str, description: str, together: Together) -> Gauge:
    return Gauge(name, description, registry=None, multiprocess_mode=together)
