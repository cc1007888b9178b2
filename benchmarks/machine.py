"""What the figures were taken on: the cores, the interpreter, and how fast the disk is."""

import os
import platform
import sqlite3
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, time_ns

from benchmarks.measure import WORK

TIMES = 100


def describe() -> dict[str, str]:
    """The machine in words; times are medians, measured here and now."""
    WORK.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=WORK) as folder:
        return {
            "cores": str(len(os.sched_getaffinity(0))),
            "load before": f"{os.getloadavg()[0]:.1f}",
            "a fixed piece of Python": f"{_yardstick():.0f} ms",
            "Python": platform.python_version(),
            "SQLite": sqlite3.sqlite_version,
            "fdatasync of 4 KiB": f"{_fdatasync(Path(folder)):.2f} ms",
            "commit of one row, synchronous=FULL": f"{commit(Path(folder)):.2f} ms",
        }


def _yardstick() -> float:
    """The best of five; by it the figures of two machines can be set side by side."""
    took = []
    for _ in range(5):
        begin = process_time()
        _ = {str(number): (number, number + 1) for number in range(200_000)}
        took.append(process_time() - begin)
    return min(took) * 1e3


def _fdatasync(folder: Path) -> float:
    with (folder / "raw").open("wb", buffering=0) as file:

        def write() -> None:
            file.write(bytes(4096))
            os.fdatasync(file.fileno())

        return _milliseconds(write)


def commit(folder: Path) -> float:
    """Milliseconds in which one row is safe on this disk, in a file of its own."""
    connection = sqlite3.connect(folder / f"one-{time_ns()}.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE one (position INTEGER PRIMARY KEY, event TEXT) STRICT")
    text = "x" * 300
    found = _milliseconds(lambda: connection.execute("INSERT INTO one (event) VALUES (?)", (text,)))
    connection.close()
    return found


def _milliseconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(TIMES):
        begin = perf_counter()
        work()
        took.append(perf_counter() - begin)
    return median(took) * 1e3
