"""Keeps the figures of a whole run: for programs, and as the table of the README."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Figure

HERE = Path(__file__).parent
BEGIN, END = "<!-- figures -->", "<!-- end of the figures -->"


def keep(machine: Mapping[str, str], figures: Mapping[str, Sequence[Figure]]) -> None:
    """Write results.json, and what stands between the two marks of the README."""
    kept = {name: [asdict(figure) for figure in some] for name, some in figures.items()}
    results = json.dumps({"machine": machine, "figures": kept}, indent=2, ensure_ascii=False)
    (HERE / "results.json").write_text(f"{results}\n")
    readme = HERE / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{_tables(machine, figures)}\n{END}{after}")


def text(figure: Figure) -> str:
    """The value with as many decimals as make sense, and its unit."""
    digits = 0 if figure.value >= 100 else 1 if figure.value >= 10 else 2
    return f"{figure.value:,.{digits}f} {figure.unit}".strip()


def _tables(machine: Mapping[str, str], figures: Mapping[str, Sequence[Figure]]) -> str:
    words = "; ".join(f"{name}: {value}" for name, value in machine.items())
    return "\n\n".join(
        [f"Measured on: {words}.", *(_table(n, some) for n, some in figures.items())]
    )


def _table(name: str, figures: Sequence[Figure]) -> str:
    title = (import_module(f"benchmarks.{name}").__doc__ or name).splitlines()[0]
    lines = [
        f"### {title.rstrip('.')} (`{name.replace('.', '/')}.py`)",
        "",
        "| what | figure | bar |",
        "|---|---|---|",
    ]
    for figure in figures:
        bar = f"{figure.bar}, missed" if figure.is_missed else figure.bar
        lines.append(f"| {figure.name} | {text(figure)} | {bar} |")
    return "\n".join(lines)
