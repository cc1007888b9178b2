"""Keeps what was found: `results/peers.json`, and from it a table and a plot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import WORK, Effort, Figure
from benchmarks.peers import plot
from benchmarks.peers.peer import Peer
from benchmarks.peers.rows import Part, Row, names
from benchmarks.report import text

RESULTS = Path(__file__).parent.parent / "results"
ROUGH = WORK / "peers" / "results"


def keep(
    name: str, effort: Effort, part: Part, peers: Sequence[Peer], skipped: Mapping[str, str]
) -> list[Figure]:
    """Put a part in its place among the others; rough figures are kept elsewhere. The bars."""
    folder = RESULTS if effort.is_whole else ROUGH
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "peers.json"
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    known[name] = {
        "machine": dict(part.machine),
        "versions": {peer.name: peer.version for peer in peers},
        "skipped": dict(skipped),
        "rows": [asdict(row) for row in part.rows],
        "figures": [asdict(figure) for figure in part.figures],
    }
    file.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    (folder / "peers.md").write_text(_page(known))
    (folder / "peers.svg").write_text(plot.svg(known))
    return part.figures


def _page(known: Mapping[str, Any]) -> str:
    parts = [_part(name, known[name]) for name in known]
    return (
        "\n\n".join(
            [
                "# The service beside its peers",
                "Medians of all rounds, and in brackets the lowest and the highest. "
                "`benchmarks/README.md` says how they are taken.",
                "![The service beside its peers](peers.svg)",
                _versions(known),
                *parts,
            ]
        )
        + "\n"
    )


def _versions(known: Mapping[str, Any]) -> str:
    found: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for part in known.values():
        found |= part["versions"]
        skipped |= part["skipped"]
    lines = ["| who | version |", "|---|---|"]
    lines += [f"| {name} | {version} |" for name, version in found.items()]
    lines += [f"| {name} | skipped: {reason} |" for name, reason in skipped.items()]
    return "\n".join(lines)


def _part(name: str, part: Mapping[str, Any]) -> str:
    title, _, rest = (import_module(f"benchmarks.peers.{name}").__doc__ or name).partition("\n")
    rows = [Row(**row) for row in part["rows"]]
    figures = [Figure(**figure) for figure in part["figures"]]
    about = part["machine"]
    load, yardstick = about["load before"], about["a fixed piece of Python"]
    return "\n\n".join(
        [
            f"## {title.rstrip('.')}",
            rest.strip(),
            _table(rows),
            _bars(figures),
            f"Load before: {load}; a fixed piece of Python: {yardstick}; {about['cores']} cores.",
        ]
    )


def _table(rows: Sequence[Row]) -> str:
    lines = [
        f"| | {' | '.join(f'{row.name}, {row.unit}'.rstrip(', ') for row in rows)} |",
        "|---|" + "---|" * len(rows),
    ]
    for peer in names(rows):
        cells = [_cell(row.values.get(peer, ())) for row in rows]
        lines.append(f"| {peer} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    found = text(Figure("", median(values), ""))
    if len(values) == 1:
        return found
    low, high = (text(Figure("", value, "")) for value in (min(values), max(values)))
    return f"{found} ({low} to {high})"


def _bars(figures: Sequence[Figure]) -> str:
    lines = ["| the service | figure | bar |", "|---|---|---|"]
    for figure in figures:
        bar = f"{figure.bar}, missed" if figure.is_missed else figure.bar
        lines.append(f"| {figure.name} | {text(figure)} | {bar} |")
    return "\n".join(lines)
