"""What a client asks to hear, and what it may hear of that: the same for sockets and streams."""

from collections.abc import Iterable
from typing import NamedTuple

from pydantic import ValidationError

from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.domain import EPHEMERAL, TOPICS
from app.domain.policy import may_hear
from app.wire import problems
from app.wire.protocol import Subscribe, Subscribed


class Audience(NamedTuple):
    """Those who hear the same: one principal who named the same topics.

    Without `topics` it hears everything durable that the principal may hear; what is ephemeral
    reaches only those who name its topic. Who only listens is not `is_present`: nobody could tell
    for long that such a client has gone without a word.
    """

    principal: Principal
    topics: frozenset[str] | None
    is_present: bool = True

    def hears(self, topic: str, *, ephemeral: bool) -> bool:
        """Whether an event of this topic is for them."""
        if self.topics is None:
            is_meant = not ephemeral
        else:
            is_meant = topic in self.topics or _root(topic) in self.topics
        return is_meant and may_hear(self.principal, topic)


class Position(NamedTuple):
    """Where the log stands, and how far back it is read for a client that was away."""

    seq: int
    epoch: str
    most: int


def asked_by(topics: str | None, since: str | None, epoch: str | None) -> Subscribe | None:
    """What the query of an address asks for; raises Rejected where it cannot be read.

    `topics` are names with commas between.
    """
    if topics is None and since is None:
        return None
    names = None if topics is None else list(dict.fromkeys(topics.split(",")))
    asked = {"type": "subscribe", "topics": names, "since": since, "epoch": epoch}
    try:
        return Subscribe.model_validate(asked, strict=False)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        raise problems.rejected([e | {"loc": ("query", *e["loc"])} for e in errors]) from None


def audience(principal: Principal, asked: Subscribe) -> Audience:
    """Who will hear it; raises Rejected for a topic that does not exist."""
    if asked.topics is None:
        return Audience(principal, None)
    for name in asked.topics:
        if _root(name) not in TOPICS:
            raise no_topic(name)
    return Audience(principal, frozenset(asked.topics))


def answer(hearers: Audience, asked: Subscribe, position: Position) -> Subscribed:
    """What the client is told: its topics, and whether what it missed will follow."""
    principal = hearers.principal
    names = sorted((TOPICS - EPHEMERAL.keys()) if asked.topics is None else hearers.topics or ())
    granted = [name for name in names if may_hear_of(principal, name)]
    denied = [] if asked.topics is None else [name for name in names if name not in granted]
    return Subscribed(
        topics=granted,
        seq=position.seq,
        epoch=position.epoch,
        recovered=recovers(asked, position),
        denied=denied or None,
    )


def recovers(asked: Subscribe, position: Position) -> bool:
    """Whether everything that happened after `since` can be told."""
    return (
        asked.since is not None
        and asked.epoch in (None, position.epoch)
        and 0 <= position.seq - asked.since <= position.most
    )


def may_hear_of(principal: Principal, name: str) -> bool:
    """Whether the principal may hear a topic, or, of a name without a part, its own part."""
    return may_hear(principal, name) or (
        ":" not in name and may_hear(principal, f"{name}:{principal.name}")
    )


def no_topic(name: str, topics: Iterable[str] = TOPICS) -> Rejected:
    """The refusal of a topic that is not one of these."""
    known = ", ".join(sorted(topics))
    return Rejected(Code.INVALID, f"there is no topic '{name}'; the topics are {known}")


def _root(topic: str) -> str:
    return topic.split(":", 1)[0]
