"""A refusal that is a constant goes to many, and keeps nothing of any of them.

An exception that is raised keeps the frames that it passed through, with all that these hold.
"""

import re
from pathlib import Path

import pytest

from app.core.rejected import Code, FieldProblem, Rejected
from app.runtime import history, store
from app.runtime.event_log.memory import MemoryLog
from app.runtime.history import History
from tests.runtime.tally import ME, TALLY, Add, open_tally

APP = Path(store.__file__).parents[1]
RAISES_A_CONSTANT = re.compile(r"^ *raise [A-Z][A-Z_]+( from .*)?$", re.MULTILINE)

pytestmark = pytest.mark.anyio


def test_no_constant_is_raised_itself() -> None:
    found = {
        str(path.relative_to(APP)): RAISES_A_CONSTANT.search(path.read_text())
        for path in APP.rglob("*.py")
    }

    assert [path for path, raised in found.items() if raised] == []


def test_a_refusal_that_is_made_anew_says_the_same_and_keeps_nothing() -> None:
    class OfAKind(Rejected):
        def __init__(self, kind: str) -> None:
            problem = FieldProblem("kind", "is odd")
            super().__init__(Code.INVALID, f"{kind} is odd", fields=(problem,), retry_after=3)
            self.kind = kind

    refusal = OfAKind("it")
    with pytest.raises(OfAKind) as raised:
        raise refusal.anew()

    assert str(raised.value) == "it is odd"
    assert vars(raised.value) == vars(refusal)
    assert refusal.__traceback__ is None


async def test_whoever_is_refused_by_a_store_has_a_refusal_of_their_own() -> None:
    async with open_tally(MemoryLog()) as closed:
        pass
    refusals: list[Rejected] = []
    for _ in range(2):
        with pytest.raises(Rejected) as refusal:
            await closed.dispatch(Add(1), by=ME)
        refusals.append(refusal.value)

    assert refusals[0] is not refusals[1]
    assert {refusal.message for refusal in refusals} == {store.STOPPING.message}
    assert store.STOPPING.__traceback__ is None


async def gone() -> bool:
    return True


async def test_a_look_at_the_past_that_is_refused_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event_log = MemoryLog()
    async with open_tally(event_log) as filled:
        await filled.dispatch(Add(1), by=ME)
    past = History(event_log, TALLY)

    with pytest.raises(Rejected, match="whoever asked has gone"):
        await past.state_at(1, gone)
    monkeypatch.setattr(history, "WAITING", 0)
    with pytest.raises(Rejected, match="look at the past already"):
        async with past.turn():
            pass

    assert (history.LEFT.__traceback__, history.BUSY.__traceback__) == (None, None)
