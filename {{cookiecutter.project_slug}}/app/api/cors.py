"""Lets the pages of other origins read answers, if they may speak to the service (CORS)."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from app.access.origin import ANY, LOCAL_PATTERN, Origins

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ASKED_WITH = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match",
    "Last-Event-ID", "X-Correlation-ID", "X-Role", "X-User", "traceparent", "tracestate",
)  # fmt: skip
ANSWERED_WITH = ("ETag", "Location", "Retry-After", "WWW-Authenticate", "X-Correlation-ID")


def share_answers(app: FastAPI, origins: Origins) -> None:
    """Answer browsers' questions for these origins; with cookies, unless they are any at all."""
    if not (origins.named or origins.local or origins.any):
        return
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[ANY] if origins.any else sorted(map(str, origins.named)),
        allow_origin_regex=LOCAL_PATTERN if origins.local else None,
        allow_credentials=not origins.any,
        allow_methods=METHODS,
        allow_headers=ASKED_WITH,
        expose_headers=ANSWERED_WITH,
    )
