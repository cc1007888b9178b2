"""`python -m app serve`: the service, until it is told to stop."""

import argparse
import asyncio
import gc
import os
import socket
import time
from types import FrameType
from typing import Literal, TypeAlias

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import ChangeReload

from app.bootstrap import create_app
from app.cli.reading import Commands, prepare_for_many_objects
from app.core.rejected import StartRefused
from app.live.drain import drain
from app.live.handshake import protocol_class
from app.live.http import BoundedHttp
from app.observe.logs import configure_logs
from app.settings import Env, Settings, read_settings, unknown_settings

DEED = "start"
STUCK_SECONDS = 30

WebSockets: TypeAlias = type[asyncio.Protocol] | Literal["websockets-sansio"]

log = structlog.get_logger("app")


class Server(uvicorn.Server):
    """uvicorn, but it drains before it stops, and a SIGTERM that was obeyed is a success.

    uvicorn alone would close the sockets before the effects under way have told what they led to,
    and end with status 143.
    """

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, let what is under way end, say goodbye, and stop."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        began = time.monotonic()
        total = self._app.state.settings.drain_seconds
        draining = asyncio.create_task(drain(self._app.state.live, total), name="drain")
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        draining.cancel()
        await asyncio.wait([draining])
        if not draining.cancelled() and (fault := draining.exception()):
            log.error("not everything could be finished", exc_info=fault)
        left = total - (time.monotonic() - began)
        self.config.timeout_graceful_shutdown = max(1, int(left))
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop; a second signal stops waiting for those who are still connected."""
        self.force_exit = self.should_exit
        self.should_exit = True


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser("serve", help="serve, as without a command")
    found.add_argument(
        "--reload", action="store_true", help="for development: begin anew when the code changes"
    )
    found.set_defaults(run=run, deed=DEED)


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop; raises StartRefused when the service cannot start."""
    settings = read_settings()
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    listener = _listen(settings.host, settings.port)
    if getattr(options, "reload", False):
        again = uvicorn.Config("app.main:app", reload=True, reload_dirs=["app"], log_config=None)
        ChangeReload(again, target=_serve_again, sockets=[listener]).run()
    else:
        _serve(settings, listener)
    return 0


def _serve_again(sockets: list[socket.socket] | None) -> None:
    """Serve in a process that is ended when the code changes."""
    settings = read_settings()
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    try:
        for listener in sockets or []:  # the one that was opened
            _serve(settings, listener)
    except StartRefused as refusal:
        log.error("cannot start", reason=str(refusal))


def _serve(settings: Settings, listener: socket.socket) -> None:
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        http=BoundedHttp,
        ws=_sockets(settings),
        lifespan="off",  # entered below, so that what refuses to start can say why
        log_config=None,
        access_log=False,
        proxy_headers=False,  # bootstrap adds them, for APP_TRUSTED_PROXIES
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=settings.deflate,
    )
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(_until_stopped(app, config, listener))


def _sockets(settings: Settings) -> WebSockets:
    """What speaks WebSocket: our own, which sends everybody the same bytes, or uvicorn's.

    Compressed frames differ from client to client.
    """
    if settings.deflate:
        return "websockets-sansio"
    return protocol_class(
        max_message_bytes=settings.max_message_bytes, send_buffer_bytes=settings.send_buffer_bytes
    )


async def _until_stopped(app: FastAPI, config: uvicorn.Config, listener: socket.socket) -> None:
    prepare_for_many_objects()
    async with app.router.lifespan_context(app):
        gc.freeze()
        _greet(listener, app.state.settings)
        await Server(config, app).serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens; raises StartRefused when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as problem:
        raise StartRefused(
            f"cannot listen on {host}:{port}: {os.strerror(problem.errno or 0)}; "
            "stop what listens there, or set APP_HOST and APP_PORT"
        ) from None
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it: a peer that takes nothing for so long is gone (RFC 5482).
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_SECONDS * 1000)
    return listener


def _greet(listener: socket.socket, settings: Settings) -> None:
    for name in unknown_settings():
        log.warning("there is no such setting: is it misspelt?", name=name)
    if settings.is_open:
        log.warning("development: whoever reaches this service is an operator", env=settings.env)
    host, port = listener.getsockname()[:2]
    log.info("serving", url=f"http://{host}:{port}", event_log=settings.event_log)
