"""Whether the process lives, and whether it should be sent work."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.access.store import TheStore
from app.api.answers import json_answer, refusal
from app.core.rejected import Code, Rejected

router = APIRouter(tags=["health"], responses={403: refusal(403)})


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether commands are taken, and where the log stands."""

    status: Literal["ready", "unavailable", "stopping"]
    seq: int
    epoch: str


@router.head("/health", response_class=PlainTextResponse, include_in_schema=False)
@router.get("/health", response_class=PlainTextResponse, responses={503: refusal(503)})
async def health(request: Request) -> str:
    """`ok`: the process answers. 503 when it cannot go on, and has to be started again."""
    if request.app.state.has_failed:
        raise Rejected(Code.UNAVAILABLE, "the service cannot go on: start it again")
    return "ok"


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready", responses={200: {"model": Readiness}, 503: {"model": Readiness}})
async def ready(store: TheStore) -> Response:
    """200 while commands are taken and the event log can be reached, else 503."""
    readiness = Readiness(
        "ready" if store.is_ready else "unavailable" if store.is_open else "stopping",
        store.seq,
        store.epoch,
    )
    return json_answer(readiness, status=200 if store.is_ready else 503)
