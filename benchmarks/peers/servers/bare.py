"""The service with all that guards and counts taken out: what that costs, others do not have."""

import runpy
import sys

from app import bootstrap
from app.access.limits import Limits
from app.core.principal import Principal
from app.domain import Command, State
from app.observe.metrics import Metrics


class NoLimits(Limits):
    """Whoever asks may."""

    def command(self, principal: Principal, address: str) -> None:
        """Count nothing."""


class NoMetrics(Metrics):
    """Nothing is counted of what goes through a socket."""

    def command(self, name: str, door: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def appended(self, seconds: float, entries: int) -> None:
        """Count nothing."""

    def connection_opened(self) -> None:
        """Count nothing."""

    def connection_closed(self, code: int) -> None:
        """Count nothing."""

    def message_in(self, type: str, size: int) -> None:
        """Count nothing."""

    def messages_out(self, type: str, times: int, size: int) -> None:
        """Count nothing."""

    def lag(self, seconds: float) -> None:
        """Count nothing."""


def may_send(principal: Principal, command: Command, state: State) -> None:
    """Whoever asks may."""


def main() -> None:
    """Serve, as the command line does."""
    without = {"Limits": NoLimits, "Metrics": NoMetrics, "require_may_send": may_send}
    vars(bootstrap).update(without)
    sys.argv = ["app"]
    runpy.run_module("app", run_name="__main__")


if __name__ == "__main__":
    main()
