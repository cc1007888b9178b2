"""How much one client may ask for, and how many may be connected: the same at both doors."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from itertools import count

from app.access.buckets import Buckets
from app.access.identity import ANONYMOUS
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.settings import Settings

RETRY_SECONDS = 5
KIB = 1024
READ_SECONDS = 4  # so many seconds' worth may be read at once, after a rest


class Limit(StrEnum):
    """What was reached; metrics count refusals by it."""

    COMMANDS = "commands"
    READING = "reading"
    MESSAGES = "messages"
    NODE = "node_full"
    ADDRESS = "connections_of_address"
    PRINCIPAL = "connections_of_principal"


class LimitReached(Rejected):
    """Refused now, and perhaps not later: `retry_after` says when to ask again."""

    def __init__(self, limit: Limit, code: Code, message: str, retry_after: int) -> None:
        super().__init__(code, message, retry_after=retry_after)
        self.limit = limit


class Limits:
    """The limits of this process, and what is used of them. Nothing here waits."""

    def __init__(self, settings: Settings, clock: Callable[[], int] = time.monotonic_ns) -> None:
        """`clock` gives nanoseconds that never go back."""
        self._rate, self._burst = settings.commands_per_second, settings.command_burst
        self._most = settings.max_connections
        self._most_of_address = settings.connections_per_address
        self._most_of_principal = settings.connections_per_principal
        self._by_principal = Buckets(self._rate, self._burst, clock)
        self._by_address = Buckets(self._rate, self._burst, clock)
        self._by_connection = Buckets(self._rate, self._burst, clock)
        self._bytes_read = settings.read_bytes_per_second
        self._by_reader = Buckets(
            self._bytes_read / KIB, self._bytes_read * READ_SECONDS // KIB, clock
        )
        self._connections = 0
        self._leases = count()
        self._of_address: Counter[str] = Counter()
        self._of_principal: Counter[str] = Counter()

    @property
    def connections(self) -> int:
        """How many connections there are: sockets and streams of events."""
        return self._connections

    @property
    def principals(self) -> int:
        """How many principals have them; all who are anonymous are one."""
        return len(self._of_principal)

    def command(self, principal: Principal, address: str) -> None:
        """Count a command; raises LimitReached when its sender is too fast.

        Whoever is anonymous is counted by address, everybody else by name.
        """
        if _is_anonymous(principal):
            wait = self._by_address.take(address)
        else:
            wait = self._by_principal.take(principal.name)
        if wait:
            most = f"{self._burst} commands at once and {self._rate:g} a second"
            message = f"too fast: {most} at most"
            raise LimitReached(Limit.COMMANDS, Code.RATE_LIMITED, message, _seconds(wait))

    def reading(self, principal: Principal, address: str) -> None:
        """Raise LimitReached while a reader has been given more than it may read by now.

        An answer takes time and memory by its size, which is known when it is made: it is counted
        then, by `has_read`, and whoever had a big one waits afterwards.
        """
        wait = self._by_reader.wait(_reader(principal, address))
        if wait:
            message = f"too much: {self._bytes_read} bytes a second may be read in the long run"
            raise LimitReached(Limit.READING, Code.RATE_LIMITED, message, _seconds(wait))

    def has_read(self, principal: Principal, address: str, size: int) -> None:
        """Count an answer of so many bytes."""
        self._by_reader.spend(_reader(principal, address), 1 + size // KIB)

    def message(self, lease: Lease) -> None:
        """Count a message of a socket that is no command; raises LimitReached for one too many."""
        wait = self._by_connection.take(str(lease.number))
        if wait:
            most = f"{self._burst} messages at once and {self._rate:g} a second"
            message = f"too fast: {most} at most"
            raise LimitReached(Limit.MESSAGES, Code.RATE_LIMITED, message, _seconds(wait))

    def connect(self, address: str) -> Lease:
        """Count a connection, before it is accepted; raises LimitReached when it is one too many.

        UNAVAILABLE when the process is full, RATE_LIMITED when the address has enough.
        """
        if self._connections >= self._most:
            message = f"{self._most} connections are open: no more are taken here"
            raise LimitReached(Limit.NODE, Code.UNAVAILABLE, message, RETRY_SECONDS)
        if self._of_address[address] >= self._most_of_address:
            message = f"{address} has {self._most_of_address} connections already"
            raise LimitReached(Limit.ADDRESS, Code.RATE_LIMITED, message, RETRY_SECONDS)
        self._connections += 1
        self._of_address[address] += 1
        return Lease(self, address, next(self._leases))

    def _disconnect(self, address: str) -> None:
        self._connections -= 1
        _less(self._of_address, address)

    def _identify(self, principal: Principal) -> None:
        name = principal.name
        is_full = self._of_principal[name] >= self._most_of_principal
        if is_full and not _is_anonymous(principal):
            message = f"{name} has {self._most_of_principal} connections already"
            raise LimitReached(Limit.PRINCIPAL, Code.RATE_LIMITED, message, RETRY_SECONDS)
        self._of_principal[name] += 1

    def _forget(self, name: str) -> None:
        _less(self._of_principal, name)


class Lease:
    """One connection, counted from `Limits.connect` until it is released."""

    __slots__ = ("_limits", "_name", "address", "number")

    def __init__(self, limits: Limits, address: str, number: int) -> None:
        """`number` is no other lease's of this process, even when this one is over."""
        self.address = address
        self.number = number
        self._limits: Limits | None = limits
        self._name: str | None = None

    def identify(self, principal: Principal) -> None:
        """Count it for this principal, and no more for the one before.

        Raises LimitReached when the principal has enough; all is as it was, then. The anonymous
        principal has no limit but that of the address.
        """
        if self._limits is None or principal.name == self._name:
            return
        self._limits._identify(principal)
        if self._name is not None:
            self._limits._forget(self._name)
        self._name = principal.name

    def release(self) -> None:
        """The connection is over; said twice, it counts once."""
        if self._limits is None:
            return
        self._limits._disconnect(self.address)
        if self._name is not None:
            self._limits._forget(self._name)
        self._limits = None


def _is_anonymous(principal: Principal) -> bool:
    """By name: in development the anonymous principal is an operator."""
    return principal.name == ANONYMOUS.name


def _reader(principal: Principal, address: str) -> str:
    """Whoever is anonymous by address, everybody else by name; no address begins like a name."""
    return address if _is_anonymous(principal) else f"@{principal.name}"


def _less(counts: Counter[str], name: str) -> None:
    counts[name] -= 1
    if not counts[name]:
        del counts[name]


def _seconds(nanoseconds: int) -> int:
    """Whole seconds, upwards: a client that waits so long is not refused again."""
    return -(-nanoseconds // 1_000_000_000)
