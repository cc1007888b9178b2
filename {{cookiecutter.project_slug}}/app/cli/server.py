"""The HTTP server in one process: uvicorn, but it drains before it stops."""

import asyncio
import gc
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from app.cli.reading import prepare_for_many_objects
from app.core.rejected import StartRefused
from app.live.compressing import Compressing
from app.live.drain import drain
from app.live.handshake import protocol_class
from app.live.http import BoundedHttp
from app.settings import Settings

TICK_SECONDS = 1.0

log = structlog.get_logger("app")


class Server(uvicorn.Server):
    """uvicorn, but it drains before it stops, and a SIGTERM that was obeyed is a success.

    uvicorn alone would close the sockets before the effects under way have told what they led to,
    and end with status 143.
    """

    def __init__(self, app: FastAPI) -> None:
        super().__init__(_config(app))
        self._app = app
        self._wake: Callable[[], object] = lambda: None

    def run_in_loop(self, serving: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run what serves, in a loop of the kind that the server wants.

        A StartRefused that is raised while it serves ends the process with status 1.
        """
        try:
            with asyncio.Runner(loop_factory=self.config.get_loop_factory()) as runner:
                runner.run(serving())
        except asyncio.CancelledError:
            if not self.should_exit:
                raise
            log.info("told to stop while nothing is served: it ends at once")
        except ExceptionGroup as faults:
            refused, others = faults.split(StartRefused)
            if refused is None or others is not None:
                raise
            log.critical("the service cannot go on: start it again", reason=_words_of(refused))
            sys.exit(1)

    @contextmanager
    def obeying(self) -> Iterator[None]:
        """Have a SIGTERM end this task, before the server heeds it and after that."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever awaits is one

        def stop(sig: int, frame: FrameType | None) -> None:
            self.stop()
            loop.call_soon_threadsafe(task.cancel)

        earlier = signal.signal(signal.SIGTERM, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, earlier)

    @asynccontextmanager
    async def prepared(self) -> AsyncIterator[None]:
        """The application's lifespan, around all that is served; raises StartRefused."""
        prepare_for_many_objects()
        async with self._app.router.lifespan_context(self._app):
            gc.collect(1)  # what is frozen is looked at no more, be it garbage
            gc.freeze()
            yield

    def stop(self) -> None:
        """Begin to stop; a signal's handler may call it."""
        self.should_exit = True
        self._wake()

    async def main_loop(self) -> None:
        """Serve until it is told to stop; answers get their date once a second.

        uvicorn looks ten times a second whether it is to stop, and to wake up for that is most of
        what an idle process does.
        """
        told = asyncio.Event()
        self._wake = partial(asyncio.get_running_loop().call_soon_threadsafe, told.set)
        while not await self.on_tick(0):
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await told.wait()

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
        self.stop()


def _words_of(fault: BaseException) -> str:
    return _words_of(fault.exceptions[0]) if isinstance(fault, ExceptionGroup) else str(fault)


def _config(app: FastAPI) -> uvicorn.Config:
    settings: Settings = app.state.settings
    return uvicorn.Config(
        app,
        http=BoundedHttp,
        ws=_sockets(settings),
        lifespan="off",  # entered in `prepared`, so that what refuses to start can say why
        log_config=None,
        access_log=False,
        proxy_headers=False,  # bootstrap adds them, for APP_TRUSTED_PROXIES
        ws_ping_interval=None,  # live/keepalive.py asks
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=settings.deflate,
    )


def _sockets(settings: Settings) -> type[asyncio.Protocol]:
    """What speaks WebSocket: our own, which sends everybody the same bytes, or uvicorn's.

    Compressed frames differ from client to client.
    """
    if settings.deflate:
        return Compressing
    return protocol_class(
        max_message_bytes=settings.max_message_bytes, send_buffer_bytes=settings.send_buffer_bytes
    )
