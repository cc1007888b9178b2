"""The State of the service, by HTTP and the standard library."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from http.client import HTTPException
from time import monotonic
from typing import Any

from .ending import Lost, refused
from .messages import Snapshot

PART_BYTES = 64 * 1024


def get_snapshot(url: str, headers: Mapping[str, str], within: float) -> Snapshot | Lost:
    """What may be seen, or why it may not; it blocks, so call it in a thread.

    Nothing is waited for longer than `within` seconds, and after them nothing more is read. Raises
    OSError, also TimeoutError, and ValueError for what is no snapshot.
    """
    ends = monotonic() + within
    request = urllib.request.Request(url)  # noqa: S310 - LiveClient has looked at the scheme
    for name, value in headers.items():
        request.add_unredirected_header(name, value)
    try:
        with _answer(request, within) as answer:
            said = _read(answer, ends)
    except HTTPException as problem:
        raise ValueError(f"what answers does not speak HTTP: {problem!r}") from problem
    if answer.status == HTTPStatus.OK:
        return _snapshot(said)
    return refused(answer.status, said, answer.headers)


def _answer(request: urllib.request.Request, within: float) -> Any:
    """An answer of any status."""
    try:
        return urllib.request.urlopen(request, timeout=within)  # noqa: S310 - as above
    except urllib.error.HTTPError as refusal:
        return refusal


def _read(answer: Any, ends: float) -> bytes:
    """All that it says until then: a time limit of the socket is one of each part."""
    parts = list[bytes]()
    while part := answer.read1(PART_BYTES):
        parts.append(part)
        if monotonic() > ends:
            raise TimeoutError("the answer took too long")
    return b"".join(parts)


def _snapshot(said: bytes) -> Snapshot:
    match json.loads(said):
        case {"state": dict() as state, "seq": int() as seq, "epoch": str() as epoch}:
            return Snapshot(state, seq, epoch)
    raise ValueError("what answers has no snapshot")
