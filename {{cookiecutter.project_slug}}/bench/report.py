"""What a run has shown, for people and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from bench.listener import Listener
from bench.stream import Stream

WHAT_IS_WRONG = 3


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from a command to its event at a client, the clients' own delay included."""

    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process has used; None where that is unknown."""

    cpu_us_per_delivery: float | None
    cpu_percent: float | None
    pid: int | None = None
    kb_per_connection: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The figures; `lost` and `repeated` are events of all clients together."""

    connections: int
    commands: int
    deliveries: int
    lost: int
    repeated: int
    ended: list[str]
    seconds: float
    commands_per_second: float
    deliveries_per_second: float
    connects_per_second: float
    latency_ms: Latency
    server: Cost
    tool: Cost

    @property
    def is_whole(self) -> bool:
        """Whether everybody has heard everything once and in order."""
        return not (self.lost or self.repeated or self.ended)

    @classmethod
    def of(
        cls,
        stream: Stream,
        crowd: Sequence[Listener],
        *,
        connect_seconds: float,
        said_seconds: float,
        seconds: float,
        pid: int | None,
        held: float | None,
        server_cpu: float | None,
        tool_cpu: float,
    ) -> Report:
        """The figures of a run; `held` is in bytes, of all connections."""
        begun, commands = len(crowd), len(stream.asked) - 1  # the first event only begins it
        deliveries = sum(listener.heard for listener in crowd) - begun

        def cost(cpu: float | None) -> tuple[float | None, float | None]:
            if cpu is None:
                return None, None
            return cpu / max(deliveries, 1) * 1e6, cpu / seconds * 100

        held_each = None if held is None else held / len(crowd) / 1024
        return cls(
            connections=len(crowd),
            commands=commands,
            deliveries=deliveries,
            lost=commands * len(crowd) - deliveries,
            repeated=sum(listener.repeated for listener in crowd),
            ended=[str(listener.ended) for listener in crowd if listener.ended],
            seconds=seconds,
            commands_per_second=commands / said_seconds,
            deliveries_per_second=deliveries / seconds,
            connects_per_second=len(crowd) / connect_seconds,
            latency_ms=Latency(*(q * 1e3 for q in (*stream.quantiles(0.5, 0.99), stream.longest))),
            server=Cost(*cost(server_cpu), pid, held_each),
            tool=Cost(*cost(tool_cpu)),
        )

    def json(self) -> str:
        """All of it, figures to four digits."""
        return json.dumps(_rounded(asdict(self)), indent=2)

    def text(self) -> str:
        """All of it, in words."""
        latency, server, tool = self.latency_ms, self.server, self.tool
        lines = [
            f"{self.connections:,} connections, {self.connects_per_second:,.0f} made a second, "
            f"{_figure(server.kb_per_connection)} KB of the service's memory each",
            f"{self.commands:,} commands, {self.commands_per_second:,.0f} a second",
            f"{self.deliveries:,} events heard, {self.deliveries_per_second:,.0f} a second: "
            f"{self.lost:,} lost, {self.repeated:,} repeated or out of order",
            f"latency: half within {latency.p50:.1f} ms, 99 % within {latency.p99:.1f}, "
            f"all within {latency.max:.1f}",
            f"CPU for an event heard: service {_figure(server.cpu_us_per_delivery)} µs "
            f"({_figure(server.cpu_percent)} % of a core), this tool "
            f"{_figure(tool.cpu_us_per_delivery)} µs ({_figure(tool.cpu_percent)} %)",
        ]
        lines += [f"a connection has ended: {ended}" for ended in self.ended[:WHAT_IS_WRONG]]
        return "\n".join(lines)


def _figure(number: float | None) -> str:
    return "unknown" if number is None else f"{number:.1f}"


def _rounded(value: object) -> object:
    match value:
        case float():
            return float(f"{value:.4g}")
        case dict():
            return {name: _rounded(part) for name, part in value.items()}
    return value
