"""Whether the process lives, and whether it should be sent work."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from app.access.store import TheStore
from app.api.answers import json_answer

router = APIRouter(tags=["health"])


@router.get("/health", response_class=PlainTextResponse)
async def health() -> str:
    """Always `ok`: the process answers."""
    return "ok"


@router.get("/health/ready")
async def ready(store: TheStore) -> Response:
    """200 while commands are taken and the event log can be reached, else 503."""
    status = "ready" if store.is_ready else "unavailable" if store.is_open else "stopping"
    return json_answer(
        {"status": status, "seq": store.seq, "epoch": store.epoch},
        status=200 if store.is_ready else 503,
    )
