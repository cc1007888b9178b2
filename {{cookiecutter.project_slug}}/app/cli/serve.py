"""`python -m app serve`: the service, until it is told to stop."""

import argparse
import asyncio
import gc
import os
import socket
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from app.bootstrap import create_app
from app.cli.reading import Commands, prepare_for_many_objects
from app.core.rejected import StartRefused
from app.observe.logs import configure_logs
from app.settings import Env, Settings, read_settings, unknown_settings

DEED = "start"

log = structlog.get_logger("app")


class Server(uvicorn.Server):
    """uvicorn, but a SIGTERM that was obeyed is a success: exit status 0, not 143."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal stops waiting for those who are still connected."""
        self.force_exit = self.should_exit
        self.should_exit = True


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser("serve", help="serve, as without a command")
    found.set_defaults(run=run, deed=DEED)


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop; raises StartRefused when the service cannot start."""
    settings = read_settings()
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    listener = _listen(settings.host, settings.port)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        lifespan="off",  # entered below, so that what refuses to start can say why
        log_config=None,
        access_log=False,
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=settings.drain_seconds,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_serve(app, config, listener))
    return 0


async def _serve(app: FastAPI, config: uvicorn.Config, listener: socket.socket) -> None:
    prepare_for_many_objects()
    async with app.router.lifespan_context(app):
        gc.freeze()
        _greet(listener, app.state.settings)
        await Server(config).serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises StartRefused when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as problem:
        raise StartRefused(
            f"cannot listen on {host}:{port}: {os.strerror(problem.errno or 0)}; "
            "stop what listens there, or set APP_HOST and APP_PORT"
        ) from None


def _greet(listener: socket.socket, settings: Settings) -> None:
    for name in unknown_settings():
        log.warning("there is no such setting: is it misspelt?", name=name)
    if settings.env is Env.DEVELOPMENT:
        log.warning("development: whoever reaches this service is an operator", env=settings.env)
    host, port = listener.getsockname()[:2]
    log.info("serving", url=f"http://{host}:{port}", event_log=settings.event_log)
