"""What a reducer may ask of the world: the time and new ids, both the same on every replay."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from app.core.principal import SYSTEM, Principal
from app.core.terms import Terms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Environment:
    """Made anew for every action, from values that stand in the log.

    `time` is in microseconds since 1970, UTC; `seed` is unique to the action; `by` is who sent the
    command, or the command that the event came from.
    """

    time: int
    seed: str
    by: Principal = SYSTEM
    terms: Terms = Terms()
    _ids: int = field(default=0, repr=False)

    def now(self) -> datetime:
        """The time at which the action was decided, the same however often it is asked for."""
        return EPOCH + timedelta(microseconds=self.time)

    def new_id(self) -> str:
        """24 hexadecimal digits that no other action gets; guessable, so never a secret."""
        self._ids += 1
        return blake2b(f"{self.seed}/{self._ids}".encode(), digest_size=12).hexdigest()
