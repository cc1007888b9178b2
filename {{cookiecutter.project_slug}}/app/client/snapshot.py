"""The State of the service, by HTTP and the standard library."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping

from .messages import Snapshot


def get_snapshot(url: str, headers: Mapping[str, str], within: float) -> Snapshot:
    """What may be seen, within so many seconds; it blocks, so call it in a thread."""
    request = urllib.request.Request(url)  # noqa: S310 - LiveClient has looked at the scheme
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    with urllib.request.urlopen(request, timeout=within) as answer:  # noqa: S310 - as above
        told = json.load(answer)
    return Snapshot(told["state"], told["seq"], told["epoch"])
