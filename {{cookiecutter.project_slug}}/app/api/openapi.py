"""The application, and the document by which it describes its HTTP routes."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from app.wire.schema import referring, short_name

SCHEMAS = "#/components/schemas/"
KNOWN = {
    "name": "If-None-Match",
    "in": "header",
    "schema": {"type": "string"},
    "description": "the `ETag` of the last answer: 304 while nothing has happened since",
}
TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "a token, as `python -m app token` makes one",
}


class Described(FastAPI):
    """FastAPI, with short names, and with tokens where they are needed: `/docs` asks for one then.

    It only describes. Who may do what, the policy decides when a request is here.
    """

    def openapi(self) -> dict[str, Any]:
        """The document; it is made once."""
        if self.openapi_schema is not None:
            return self.openapi_schema
        document = super().openapi()
        schemas = document["components"]["schemas"]
        names = {name: short_name(name) for name in schemas}
        if len({*names.values()}) == len(names):
            document["components"]["schemas"] = {names[n]: schemas[n] for n in schemas}
            document = referring(document, SCHEMAS, names)
        for name, schema in document["components"]["schemas"].items():
            schema["title"] = name  # generators call a class so: two of one title are an error
        for operations in document["paths"].values():
            for operation in operations.values():
                if "304" in operation["responses"]:
                    operation.setdefault("parameters", []).append(KNOWN)
        if not self.state.settings.is_open:
            document["components"]["securitySchemes"] = {"bearer": TOKEN}
            for path, operations in document["paths"].items():
                for operation in operations.values() if path.startswith("/api/") else ():
                    operation["security"] = [{"bearer": []}]
        self.openapi_schema = document
        return document


def operation_id(route: APIRoute) -> str:
    """What a generated client calls a route: as its function is called here.

    FastAPI warns of two routes that are called the same.
    """
    return route.name
