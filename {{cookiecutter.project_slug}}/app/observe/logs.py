"""Log lines: for people in development, JSON in production; on stderr, ours and the libraries'.

Each has a timestamp, a level, the logger's name and an event. A line takes the fast path: from the
call to the stream without the standard library, whose own lines come in by the same way.
"""

import json
import logging
import sys
from contextlib import suppress
from io import StringIO
from typing import TextIO

import orjson
import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from app.observe.printable import printable, printable_lines

# Without the values of variables: they may be what somebody wrote in confidence.
TRACEBACKS_AS_DATA = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)


def configure_logs(level: str, *, as_json: bool) -> None:
    """Write lines from `level` up to stderr, ours and the libraries' alike."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *(_as_json() if as_json else _as_text()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=Output,
        cache_logger_on_first_use=True,
    )
    # Not below INFO: there libraries show what they send and receive, tokens and texts included.
    least = max(logging.INFO, logging.getLevelNamesMapping()[level.upper()])
    logging.basicConfig(handlers=[FromLibraries()], level=least, force=True)
    logging.captureWarnings(True)


class Output:
    """Where lines end up; who cannot write them goes on working."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: bytes) -> None:
        """Write one line, at once."""
        with suppress(OSError, ValueError):  # a full disk, a pipe whose reader has gone, or closed
            sys.stderr.buffer.write(line + b"\n")
            sys.stderr.buffer.flush()

    debug = info = warning = error = critical = msg


class FromLibraries(logging.Handler):
    """Lines that are logged by the standard library's means."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as one of ours."""
        try:
            level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
            log = structlog.get_logger(record.name)
            log.log(level, record.getMessage(), exc_info=record.exc_info or None)
        except Exception:  # as every handler does: whoever logs must not fail for it
            self.handleError(record)


def _as_json() -> list[Processor]:
    return [TRACEBACKS_AS_DATA, _rendered]


def _as_text() -> list[Processor]:
    renderer = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=_traceback
    )
    return [
        _printable,
        lambda logger, name, line: renderer(logger, name, line).encode(errors="replace"),
    ]


def _printable(logger: WrappedLogger, name: str, line: EventDict) -> EventDict:
    """The line, without what a terminal would obey: a client's id may be anything."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = printable(value)
    return line


def _traceback(stream: TextIO, fault: ExcInfo) -> None:
    """The same of a traceback: what a fault says may be what a client has said."""
    text = StringIO()
    structlog.dev.plain_traceback(text, fault)
    stream.write(printable_lines(text.getvalue()))


def _rendered(logger: WrappedLogger, name: str, line: EventDict) -> bytes:
    """The line as JSON, whatever it is made of; lines are read on terminals, too."""
    try:
        rendered = orjson.dumps(line, default=repr)
    except TypeError:  # a lone surrogate, or a number of more than 64 bits
        return json.dumps(line, default=repr).encode()
    # What terminals obey, JSON may have as it is: U+0080 to U+009F.
    return rendered if rendered.isascii() else printable(rendered.decode()).encode()
