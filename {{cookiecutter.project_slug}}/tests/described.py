"""Answers held against `/openapi.json`: they are as it says, and have nothing that it does not."""

from functools import cache
from typing import Any

import httpx

from app.bootstrap import create_app
from tests.access.keys import settings_of


@cache
def document() -> Any:
    """What the application says of itself."""
    return create_app(settings_of()).openapi()


def client_of(app: Any) -> httpx.AsyncClient:
    """A client without a socket; it fails for an answer that is not as it is described."""
    hooks = {"response": [_require_described]}
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://localhost", event_hooks=hooks)


async def _require_described(answer: httpx.Response) -> None:
    request = answer.request
    operation = _told().find_operation_by_path(request.method, request.url.path)
    if operation is None:  # there is no such route
        return
    await answer.aread()
    told = document()["paths"][operation.path][operation.method]["responses"]
    status, kind = str(answer.status_code), answer.headers.get("content-type", "").partition(";")[0]
    assert status in told, f"{operation.label}: say in its `responses` that it may answer {status}"
    content = told[status].get("content", {})
    assert kind in content if answer.content else not content, f"{operation.label}: {status}"
    operation.validate_response(answer)


@cache
def _told() -> Any:
    import schemathesis  # here: tests of rules need not wait half a second for it

    return schemathesis.openapi.from_dict(_closed(document()))


def _closed(schema: Any) -> Any:
    """The same, but that an object has no other fields than those that are described."""
    match schema:
        case {"type": "object", "properties": {}}:
            schema = {"additionalProperties": False, **schema}
    match schema:
        case dict():
            return {key: _closed(value) for key, value in schema.items()}
        case list():
            return [_closed(value) for value in schema]
    return schema
