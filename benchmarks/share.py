"""A fixed share of a core for a process: the kernel's cgroups, in either version."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.measure import Missing

GROUPS = Path("/sys/fs/cgroup")
PERIOD = 10_000
"""Microseconds: in each of them a process has its share."""


@contextmanager
def share(pid: int, part: float) -> Iterator[None]:
    """Let this process have no more than such a part of one core.

    Raises Missing where that cannot be had: most often only root may ask for it.
    """
    top = GROUPS if _is_second() else GROUPS / "cpu"
    group = top / f"bench-{pid}"
    try:
        _limit(group, round(part * PERIOD))
        (group / "cgroup.procs").write_text(str(pid))
    except OSError as problem:
        raise Missing(f"no process can be given a share of a core: {problem}") from None
    try:
        yield
    finally:
        with suppress(ProcessLookupError):  # it has ended
            (top / "cgroup.procs").write_text(str(pid))
        group.rmdir()


def _limit(group: Path, quota: int) -> None:
    if _is_second():
        (group.parent / "cgroup.subtree_control").write_text("+cpu")
    group.mkdir()
    if _is_second():
        (group / "cpu.max").write_text(f"{quota} {PERIOD}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD))
        (group / "cpu.cfs_quota_us").write_text(str(quota))


def _is_second() -> bool:
    return (GROUPS / "cgroup.controllers").exists()
