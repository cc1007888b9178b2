"""`python -m tests.api.faulty`: the service, with routes that raise what nobody expects."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from app.bootstrap import create_app
from app.cli.listener import listen
from app.cli.server import Server
from app.observe.logs import configure_logs
from app.settings import Env, read_settings

router = APIRouter(prefix="/faulty")


@router.get("")
async def raises() -> None:
    """Fails before its answer has begun."""
    raise ValueError("a mistake, on purpose")


@router.get("/late")
async def raises_late() -> StreamingResponse:
    """Fails amid its answer."""
    return StreamingResponse(_broken_off())


async def _broken_off() -> AsyncIterator[str]:
    yield "first"
    raise ValueError("a mistake, on purpose")


def main() -> None:
    """Serve it as `python -m app` does."""
    settings = read_settings()
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    app = create_app(settings)
    app.include_router(router)
    server = Server(app)
    with listen(settings.host, settings.port) as listener:

        async def until_stopped() -> None:
            async with server.prepared():
                print(f"url=http://127.0.0.1:{listener.getsockname()[1]}", flush=True)  # noqa: T201
                await server.serve(sockets=[listener])

        server.run_in_loop(until_stopped)


if __name__ == "__main__":
    main()
