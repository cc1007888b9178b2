"""The dashboard: files as they lie in `app/dashboard`, no build step."""

from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from app.access.principal import Sender
from app.api.answers import json_answer

FILES = Path(__file__).parent.parent / "dashboard"
# Nothing but our own files runs in a page, and no other page has ours in a frame, where its buttons
# would be clicked unseen: `default-src` says nothing about that, nor about forms and <base>.
POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
# A browser asks about a file again each time, so that an edit is seen at once.
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}


class Files(StaticFiles):
    """Files with the headers of a page, since there are pages among them."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """The file, or 304."""
        answer = super().file_response(*args, **kwargs)
        answer.headers.update(HEADERS)
        return answer


router = APIRouter(include_in_schema=False)


@router.get("/dashboard/viewer")
async def viewer(request: Request, sender: Sender) -> Response:
    """Who looks at the page, and whether they choose that themselves, by the address."""
    is_open = request.app.state.settings.is_open
    return json_answer({"name": sender.name, "role": sender.role, "chooses": is_open})


router.mount("/dashboard", Files(directory=FILES))


@router.head("/")
@router.get("/")
async def index() -> FileResponse:
    """The page itself."""
    return FileResponse(FILES / "index.html", headers=HEADERS)


@router.head("/client.js")
@router.get("/client.js")
async def client() -> FileResponse:
    """The client that the page uses, for other pages too."""
    return FileResponse(FILES / "client.js", headers=HEADERS)
