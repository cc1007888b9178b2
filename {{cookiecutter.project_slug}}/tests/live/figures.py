"""What a running service shows of itself to an operator, for tests."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.service import Service


async def figure(service: Service, name: str, **labels: str) -> float:
    """The value of a series of `/metrics`; 0 while there is none."""
    async with httpx.AsyncClient(base_url=service.url, timeout=30) as http:
        families = text_string_to_metric_families((await http.get("/metrics")).text)
    samples = (sample for family in families for sample in family.samples)
    return sum(s.value for s in samples if s.name == name and labels.items() <= s.labels.items())


async def becomes(service: Service, value: float, name: str, **labels: str) -> None:
    """Return when a series has this value."""
    async with asyncio.timeout(60):
        while await figure(service, name, **labels) != value:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.05)


def resident(service: Service) -> int:
    """Bytes of memory that the process holds."""
    assert service.process is not None
    pages = Path(f"/proc/{service.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
