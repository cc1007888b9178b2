"""Commands that wait for their answers."""

from __future__ import annotations

import asyncio
import json
from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from .ending import LONGEST_WAIT
from .messages import Ack, Action, CommandError

LIMITED, UNAVAILABLE = "rate_limited", "unavailable"  # what may succeed a moment later
LONGEST_ID = 64
PAUSE_SECONDS = 1.0  # where the service does not say how long that is


@dataclass(slots=True, eq=False)
class Waiting:
    """A command without an answer: whether it was said on this connection, and what is known."""

    number: int
    text: str
    answer: asyncio.Future[Ack]
    is_under_way: bool = False
    may_be_done: bool = False
    refusals: int = 0

    def refuse(self, code: str, tries: int) -> bool:
        """Note a refusal; whether that is final.

        What comes too fast is refused before its id is looked up: whether it was done on a
        connection that was lost, that does not tell, however often it is said.
        """
        if code not in (LIMITED, UNAVAILABLE):
            return True
        self.refusals += 1
        self.may_be_done |= code == UNAVAILABLE
        return self.refusals >= tries and not (code == LIMITED and self.may_be_done)


class Outbox:
    """At most so many commands, said in the order in which they were given, a few at a time."""

    def __init__(self, most: int, *, in_flight: int, tries: int) -> None:
        self._room = asyncio.Semaphore(most)
        self._in_flight, self._tries = in_flight, tries
        self._numbers = count()
        self._waiting: dict[str, Waiting] = {}
        self._unsaid: list[Waiting] = []  # of these, in order; all others are under way
        self._under_way = 0
        self._say: Callable[[str], None] | None = None
        self._pause: asyncio.TimerHandle | None = None
        self._closed: str | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, id: object) -> bool:
        return id in self._waiting

    async def send(self, action: Action, id: str) -> Ack:
        """Have it said as soon as there is room, and wait for the answer."""
        text = _text(action, id)
        async with self._room:
            while (same := self._waiting.get(id)) is not None:
                if same.text != text:
                    raise CommandError("id_reused", "another command with this id waits", id)
                await asyncio.wait([same.answer])
                if not same.answer.cancelled():  # by its sender; this one stays
                    return same.answer.result()
            if self._closed is not None:
                raise CommandError("offline", f"nothing was sent: {self._closed}", id)
            answer: asyncio.Future[Ack] = asyncio.get_running_loop().create_future()
            waiting = self._waiting[id] = Waiting(next(self._numbers), text, answer)
            self._unsaid.append(waiting)
            self._say_more()
            try:
                return await answer
            finally:
                self._take_out(id, waiting)

    def begin(self, say: Callable[[str], None]) -> None:
        """There is a connection: say on it all that waits."""
        self._say = say
        self._say_more()

    def end(self, *, is_too_big: bool = False) -> None:
        """There is none any more; what was under way may have been done.

        What the service has found too big is not: said again, it would end every connection.
        """
        self._say = None
        self._go_on()
        if is_too_big:
            self._give_up_the_biggest()
        for waiting in self._waiting.values():
            waiting.may_be_done |= waiting.is_under_way
            waiting.is_under_way = False
        self._unsaid, self._under_way = list(self._waiting.values()), 0

    def settle(self, told: Mapping[str, Any]) -> None:
        """An `ack` or an `error`, for one of them."""
        waiting = self._waiting[told["id"]]
        outcome = _outcome(told)
        if isinstance(outcome, CommandError) and not waiting.refuse(outcome.code, self._tries):
            self._put_back(waiting, min(outcome.retry_after or PAUSE_SECONDS, LONGEST_WAIT))
            return
        self._take_out(told["id"], waiting)
        if waiting.answer.done():  # its sender has been cancelled
            return
        if isinstance(outcome, Ack):
            waiting.answer.set_result(outcome)
        else:
            waiting.answer.set_exception(outcome)

    def close(self, why: str) -> None:
        """No answer will come, and nothing more is sent."""
        self._closed = why
        for name, waiting in self._waiting.items():
            if not waiting.answer.done():
                waiting.answer.set_exception(CommandError("lost", f"no answer came: {why}", name))

    def _say_more(self) -> None:
        """Say what has not been said, as much of it as may be under way."""
        if self._say is None or self._pause is not None:
            return
        while self._unsaid and self._under_way < self._in_flight:
            waiting = self._unsaid.pop(0)
            waiting.is_under_way = True
            self._under_way += 1
            self._say(waiting.text)

    def _put_back(self, waiting: Waiting, seconds: float) -> None:
        """Say nothing more for so long, and this again then, before all that came after it."""
        pause = asyncio.get_running_loop().call_later(seconds, self._go_on)
        if waiting.is_under_way:
            waiting.is_under_way = False
            self._under_way -= 1
            insort(self._unsaid, waiting, key=lambda each: each.number)
        if self._pause is not None:
            self._pause.cancel()
        self._pause = pause

    def _go_on(self) -> None:
        """The pause is over."""
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        self._say_more()

    def _give_up_the_biggest(self) -> None:
        """Of what was under way; if one was too big, this one was."""
        said = [name for name, waiting in self._waiting.items() if waiting.is_under_way]
        if said:
            biggest = max(said, key=lambda name: len(self._waiting[name].text.encode()))
            words = "the command has too many bytes"
            self.settle({"type": "error", "id": biggest, "code": "too_large", "message": words})

    def _take_out(self, id: str, waiting: Waiting) -> None:
        """It waits no more, and leaves room for the next; said twice, it counts once."""
        if self._waiting.get(id) is waiting:
            del self._waiting[id]
            if waiting.is_under_way:
                self._under_way -= 1
            else:
                self._unsaid.remove(waiting)
            self._say_more()


def _text(action: Action, id: str) -> str:
    """The command as it is said; raises CommandError for one that could not be answered.

    The service would not know by which id to refuse it, and it would wait for ever.
    """
    if not (isinstance(id, str) and 0 < len(id) <= LONGEST_ID):
        raise CommandError("invalid", f"an id has 1 to {LONGEST_ID} characters", id)
    said = {"type": "command", "action": action, "id": id}
    try:
        text = json.dumps(said, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()  # half a character, a lone surrogate, has no bytes
    except ValueError as problem:
        raise CommandError("invalid", f"the command is no JSON: {problem}", id) from problem
    return text


def _outcome(told: Mapping[str, Any]) -> Ack | CommandError:
    if told["type"] == "ack":
        return Ack(told["id"], told["seq"], told.get("duplicate") or False)
    return CommandError(told["code"], told["message"], told["id"], told.get("retry_after"))
