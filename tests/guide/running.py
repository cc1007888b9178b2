"""What the tests start: the service, and other programs whose lines they read."""

import importlib.util
import os
import queue
import re
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "{{cookiecutter.project_slug}}"
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")


def project_module(path: str) -> Any:
    """A module of the project's tests, which are not in this Python's path."""
    name = f"project_{Path(path).stem}"
    spec = importlib.util.spec_from_file_location(name, PROJECT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def service_in(folder: Path) -> Any:
    """The service, ready to start, by the class with which the project starts it for its tests."""
    return project_module("tests/service.py").Service(folder)


def environment(**more: str) -> dict[str, str]:
    """The environment of the programs, in which no proxy stands before this machine."""
    here = {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}
    return {**os.environ, **here, **more}


class Program:
    """A program that runs while the block does; its lines are read as they come."""

    def __init__(self, command: Sequence[str], env: dict[str, str], terminal: bool = False) -> None:
        ours, theirs = os.openpty() if terminal else (None, subprocess.PIPE)
        self.process = subprocess.Popen(
            command, env=env, stdin=theirs, stdout=theirs, stderr=subprocess.STDOUT, bufsize=0
        )
        if ours is None:
            self._input, self._output = self.process.stdin, self.process.stdout
        else:
            os.close(theirs)
            self._input = self._output = os.fdopen(ours, "r+b", buffering=0)
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> "Program":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        self._input.close()
        self._output.close()

    def write(self, text: str) -> None:
        """Hand it this on its input."""
        self._input.write(text.encode())

    def wait(self, wanted: Callable[[str], T | None], seconds: float = 20) -> T:
        """What `wanted` makes of the first line, of those not yet read, that it can use."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self._lines.get(timeout=left)
            except queue.Empty:
                break
            self._said.append(line)
            if (found := wanted(line)) is not None:
                return found
        raise AssertionError("it never said what it should; it said:\n" + "\n".join(self._said))

    def _read(self) -> None:
        rest = b""
        try:
            while piece := self._output.read(65536):
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    self._lines.put(TERMINAL_CODES.sub("", line.decode()))
        except OSError:
            pass  # a terminal whose program has ended
