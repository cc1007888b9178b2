"""The dashboard: files as they lie in `app/dashboard`, no build step."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

FILES = Path(__file__).parent.parent / "dashboard"
HEADERS = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "no-cache"}

router = APIRouter(include_in_schema=False)
router.mount("/dashboard", StaticFiles(directory=FILES))


@router.get("/")
async def index() -> FileResponse:
    """The page itself."""
    return FileResponse(FILES / "index.html", headers=HEADERS)


@router.get("/client.js")
async def client() -> FileResponse:
    """The client that the page uses, for other pages too."""
    return FileResponse(FILES / "client.js", headers={"Cache-Control": "no-cache"})
