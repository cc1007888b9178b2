"""Draws the comparison as bars, readable on a light page and on a dark one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from statistics import median
from typing import Any

from benchmarks.measure import Figure
from benchmarks.report import text

PANELS = (
    ("fan_out", "CPU, 1 in flight", "CPU of a message, 1,000 clients, 1 command in flight, µs"),
    ("fan_out", "CPU, 8 in flight", "CPU of a message, 1,000 clients, 8 commands in flight, µs"),
    ("crowd", "memory of an idle client", "Memory of an idle client, KB"),
    ("pace", "p99, 100 events/s", "p99 of an event, 100 a second to 1,000 clients, ms"),
    ("round_trip", "to the own event, 100 clients", "Command to own event, 100 clients, µs"),
    ("crowd", "CPU of a handshake", "CPU of a handshake, µs"),
)
OURS = "this service"
WIDTH, LABEL, VALUE = 960, 200, 70
BAR, GAP, HEAD, MARGIN = 16, 6, 44, 20
CUT = 4.0
"""A bar ends at so many times our own, or at the middle one's; beyond that it is broken."""
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 14px; }
  .bar { fill: #8c959f; } .ours { fill: #0969da; } .floor { fill: #bf8700; }
  .back { fill: #ffffff; } .cut { stroke: #ffffff; stroke-width: 3; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .bar { fill: #6e7681; } .ours { fill: #4493f8; }
    .floor { fill: #d29922; } .back { fill: #0d1117; } .cut { stroke: #0d1117; }
  }
"""


def svg(known: Mapping[str, Any]) -> str:
    """The picture of all parts that are there."""
    y, drawn = MARGIN, []
    for part, name, title in PANELS:
        values = _medians(known, part, name)
        if values:
            drawn.append(_panel(title, values, y))
            y += HEAD + len(values) * (BAR + GAP) + MARGIN
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" role="img" '
        f'aria-label="The service beside its peers: shorter is better">\n<style>{STYLE}</style>\n'
        f'<rect class="back" width="{WIDTH}" height="{y}"/>\n{"".join(drawn)}</svg>\n'
    )


def _medians(known: Mapping[str, Any], part: str, name: str) -> list[tuple[str, float]]:
    """By peer, the best first."""
    for row in known.get(part, {}).get("rows", ()):
        if row["name"] == name:
            found = [(peer, median(values)) for peer, values in row["values"].items() if values]
            return sorted(found, key=lambda one: one[1])
    return []


def _panel(title: str, values: Sequence[tuple[str, float]], y: int) -> str:
    room = WIDTH - LABEL - VALUE - 2 * MARGIN
    own = dict(values).get(OURS, 0.0)
    middle = values[len(values) // 2][1]
    end = min(values[-1][1], CUT * max(own, middle))
    lines = [f'<text class="title" x="{MARGIN}" y="{y + 20}">{escape(title)}</text>\n']
    for number, (peer, value) in enumerate(values):
        top = y + HEAD - 10 + number * (BAR + GAP)
        long = max(2.0, room * min(1.0, value / end)) if end else 2.0
        kind = "ours" if peer == OURS else "floor" if peer.startswith("C,") else "bar"
        lines.append(
            f'<text x="{MARGIN}" y="{top + 13}">{escape(peer)}</text>'
            f'<rect class="{kind}" x="{MARGIN + LABEL}" y="{top}" width="{long:.1f}" '
            f'height="{BAR}" rx="2"/>{_break(value > end, MARGIN + LABEL + room, top)}'
            f'<text x="{MARGIN + LABEL + long + 6:.1f}" y="{top + 13}">'
            f"{text(Figure('', value, ''))}</text>\n"
        )
    return "".join(lines)


def _break(is_cut: bool, right: int, top: int) -> str:
    """Two strokes across a bar that is longer than there is room for."""
    if not is_cut:
        return ""
    return "".join(
        f'<path class="cut" d="M{right - at} {top + BAR + 2} l8 -{BAR + 4}"/>' for at in (40, 30)
    )
