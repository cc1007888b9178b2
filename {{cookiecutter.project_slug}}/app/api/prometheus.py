"""What is counted and measured, for a Prometheus that asks for it."""

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import choose_encoder

from app.api.answers import UNSTORED
from app.observe.metrics import Metrics

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
async def metrics(request: Request) -> Response:
    """Every metric, as text; as OpenMetrics for whoever accepts that. Workers tell of all.

    It is for your own network only: a proxy must not publish it.
    """
    counted: Metrics = request.app.state.metrics
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    headers = UNSTORED | {"Content-Type": media_type}
    return Response(await counted.exposed(encode), headers=headers)
