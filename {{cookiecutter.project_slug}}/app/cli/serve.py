"""`python -m app serve`: the service, until it is told to stop."""

import argparse
import signal
import socket
import sys
from types import FrameType
from typing import NoReturn

import structlog
import uvicorn
from uvicorn.supervisors import ChangeReload

from app.access.start import warn_of
from app.bootstrap import create_app
from app.cli.listener import Address, listen, reserve, written
from app.cli.reading import Commands, Refused
from app.cli.server import Server
from app.cli.workers import serve_together
from app.core.rejected import StartRefused
from app.observe.logs import configure_logs
from app.settings import MOST_WORKERS, Env, Settings, read_settings

DEED = "start"

log = structlog.get_logger("app")


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser("serve", help="serve, as without a command")
    add_options_to(found)
    found.set_defaults(run=run, deed=DEED)


def add_options_to(parser: argparse.ArgumentParser) -> None:
    """Let it be said how to serve, with the command's name or without."""
    parser.add_argument(
        "--workers",
        type=_workers,
        metavar="N",
        default=argparse.SUPPRESS,
        help="how many processes serve, on one port and one log; APP_WORKERS if it is not said",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        default=argparse.SUPPRESS,
        help="for development: begin anew when the code changes",
    )


def run(options: argparse.Namespace) -> int:
    """Serve until told to stop; raises StartRefused when the service cannot start."""
    signal.signal(signal.SIGTERM, _stop)
    is_reloading = getattr(options, "reload", False)
    settings = read_settings()
    workers = getattr(options, "workers", 1 if is_reloading else settings.workers)
    settings = settings.model_copy(update={"workers": workers})
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    if workers > 1:
        if is_reloading:
            raise Refused("--reload is for one process: leave out --workers")
        return _serve_together(settings)
    with listen(settings.host, settings.port) as listener:
        if is_reloading:
            again = uvicorn.Config(
                "app.main:app", reload=True, reload_dirs=["app"], log_config=None
            )
            ChangeReload(again, target=_serve_again, sockets=[listener]).run()
        else:
            _serve(settings, listener)
    return 0


def _stop(sign: int, frame: FrameType | None) -> NoReturn:
    """End, while nothing is served yet: it was told to, and that is a success."""
    sys.exit(0)


def _serve_together(settings: Settings) -> int:
    if sys.platform != "linux":  # elsewhere the newest listener gets all connections
        raise Refused("several workers share a port on Linux only: leave out --workers")
    with reserve(settings.host, settings.port) as held:
        address: Address = held.getsockname()[:2]
        warn_of(settings)
        return serve_together(settings, address, lambda: _greet(address, settings))


def _serve_again(sockets: list[socket.socket] | None) -> None:
    """Serve in a process that is ended when the code changes."""
    settings = read_settings().model_copy(update={"workers": 1})
    configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
    try:
        for listener in sockets or []:  # the one that was opened
            _serve(settings, listener)
    except StartRefused as refusal:
        log.error("cannot start", reason=str(refusal))


def _serve(settings: Settings, listener: socket.socket) -> None:
    server = Server(create_app(settings))

    async def until_stopped() -> None:
        with server.obeying():
            async with server.prepared():
                warn_of(settings)
                _greet(listener.getsockname()[:2], settings)
                await server.serve(sockets=[listener])

    server.run_in_loop(until_stopped)


def _greet(address: Address, settings: Settings) -> None:
    log.info("serving", url=f"http://{written(address)}", event_log=settings.shown_event_log)


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_WORKERS):
        rule = f"a number of workers is a whole number from 1 to {MOST_WORKERS}"
        raise argparse.ArgumentTypeError(f"{text!r}: {rule}")
    return int(text)
