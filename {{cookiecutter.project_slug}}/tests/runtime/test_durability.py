"""Acknowledged means on the disk: seen from outside, in the calls that the process makes."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMITS = 20
# A call that has come back: strace writes it on one line, or on two when another thread calls.
SYNCED_OR_SAID = r'(f(?:data)?sync(?:\(\d+\)| resumed>\)) += 0|"begin"|"acknowledged")'
PROGRAM = f"""
import asyncio, os, sys
from app.runtime.event_log import open_event_log
from tests.runtime.tally import ME, Add, open_tally

async def main():
    event_log = open_event_log(sys.argv[1])
    async with open_tally(event_log) as store:
        os.write(1, b"begin")
        for _ in range({COMMITS}):
            await store.dispatch(Add(1), by=ME)
            os.write(1, b"acknowledged")
        os.write(1, b"begin")
        await asyncio.gather(*(store.dispatch(Add(1), by=ME) for _ in range(100)))
        os.write(1, b"acknowledged")
    await event_log.close()

asyncio.run(main())
"""


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
def test_each_commit_is_synced_once_before_it_is_acknowledged(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-qq", "-e", "trace=fdatasync,fsync,write", "-o", str(trace)]
    program = [sys.executable, "-c", PROGRAM, f"sqlite:///{tmp_path}/e.db"]
    traced = subprocess.run([*strace, *program], cwd=ROOT, capture_output=True, text=True)  # noqa: S603
    if "ptrace" in traced.stderr:
        pytest.skip("this machine does not let strace look at processes")
    assert traced.returncode == 0, traced.stderr

    calls = re.findall(SYNCED_OR_SAID, trace.read_text())
    _, one_by_one, together = "".join(letter(call) for call in calls).split("b")

    assert one_by_one == "sa" * COMMITS
    assert together.split("a")[0] in ("s", "ss"), "a hundred callers wait for two commits at most"


def letter(call: str) -> str:
    """`b` begins, `s` syncs, `a` acknowledges."""
    return "s" if call.startswith("f") else call[1]
