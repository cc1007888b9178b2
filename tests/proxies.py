"""nginx and Caddy as the project ships them: only ports, paths and nodes are the tests' own."""

import datetime
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.guide.running import PROJECT

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
CADDY = Path(sys.executable).parent / "caddy"
START_SECONDS = 20


@dataclass(frozen=True)
class Proxy:
    """A proxy that runs: the name it is asked for, its port, and whom its clients trust."""

    host: str
    port: int
    trust: ssl.SSLContext
    log: Path

    @property
    def origin(self) -> str:
        """Where its own pages come from."""
        return f"https://{self.host}:{self.port}"

    def http(self) -> httpx.Client:
        """A client that speaks HTTP by TLS."""
        return httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}",
            headers={"Host": f"{self.host}:{self.port}"},
            verify=self.trust,
            timeout=20,
            event_hooks={"request": [self._name]},
        )

    def socket(self, source: str = "127.0.0.1", **options: Any) -> ClientConnection:
        """A WebSocket by TLS, of a client at the address `source`."""
        line = socket.create_connection(("127.0.0.1", self.port), 5, (source, 0))
        url = f"wss://{self.host}:{self.port}/ws"
        return connect(url, sock=line, ssl=self.trust, ping_interval=None, **options)

    def _name(self, request: httpx.Request) -> None:
        request.extensions["sni_hostname"] = self.host


@contextmanager
def nginx(folder: Path, nodes: Sequence[int], **changes: str) -> Iterator[Proxy]:
    """nginx in front of the nodes at these ports; `changes` are of directives' values."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    port, plain = free_port(), free_port()
    trust = certify(folder, "shop.example.com")
    text = (PROJECT / "deploy/nginx.conf").read_text()
    server = " max_fails=2 fail_timeout=5s;"
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    own = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    for old, new in {
        "http {": f"http {{ access_log {folder}/access.log; {own}",
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "/etc/nginx/tls/": f"{folder}/",
        f"        server 127.0.0.1:3000{server}": "".join(
            f"server 127.0.0.1:{node}{server}" for node in nodes
        ),
        **{f" {name} 60s;": f" {name} {value};" for name, value in changes.items()},
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    command = [NGINX, "-p", str(folder), "-c", "nginx.conf", "-e", "log"]
    with program([*command, "-g", f"daemon off; pid {folder}/pid;"], folder, {}, port):
        yield Proxy("shop.example.com", port, trust, folder / "log")


@contextmanager
def caddy(folder: Path, nodes: Sequence[int]) -> Iterator[Proxy]:
    """Caddy in front of the nodes at these ports, with a certificate of its own authority."""
    port = free_port()
    text = (PROJECT / "deploy/Caddyfile").read_text()
    assert "skip_install_trust" in text
    ports = f"skip_install_trust\n\thttp_port {free_port()}\n\thttps_port {port}"
    (folder / "Caddyfile").write_text(text.replace("skip_install_trust", ports))
    settings = {
        "SITE": "shop.localhost",
        "NODES": " ".join(f"127.0.0.1:{node}" for node in nodes),
        "CADDY_ADMIN": f"127.0.0.1:{free_port()}",
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
    }
    root = folder / "caddy/pki/authorities/local/root.crt"
    with program([str(CADDY), "run", "--config", "Caddyfile"], folder, settings, port):
        wait_for(root.exists, folder)
        trust = ssl.create_default_context(cafile=str(root))
        wait_for(lambda: is_certified(port, "shop.localhost", trust), folder)
        yield Proxy("shop.localhost", port, trust, folder / "log")


PROXIES = {"nginx": nginx, "caddy": caddy}


@contextmanager
def program(
    command: list[str], folder: Path, settings: dict[str, str], port: int
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens at this port, while the context lasts."""
    with (folder / "log").open("wb") as lines:
        environment = {**os.environ, **settings}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=lines, stderr=lines)
    try:
        wait_for(lambda: process.poll() is not None or is_open(port), folder)
        assert process.poll() is None, (folder / "log").read_text()
        yield process
    finally:
        process.terminate()
        process.wait(timeout=20)


@contextmanager
def node(answer: int | None) -> Iterator[tuple[int, list[str]]]:
    """A node in trouble that lives: its port, and the methods it was asked.

    It answers everything with this status; or, with None, it is ready, and hangs up on all else.
    """
    asked: list[str] = []

    class Trouble(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status = 200 if self.path == "/health" else answer
            if self.path == "/health/ready":
                status = answer or 200
            else:
                asked.append(self.command)
            if status is not None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
            self.close_connection = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def log_message(self, format: str, *values: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Trouble) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        yield server.server_port, asked
        server.shutdown()
        serving.join()


def certify(folder: Path, host: str) -> ssl.SSLContext:
    """Write a certificate for the host, with its key; a context that trusts it."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "tls.crt").write_bytes(certificate.public_bytes(pem))
    (folder / "tls.key").write_bytes(key.private_bytes(pem, kind, none))
    return ssl.create_default_context(cafile=str(folder / "tls.crt"))


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def is_open(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def is_certified(port: int, host: str, trust: ssl.SSLContext) -> bool:
    """Whether it has its certificate by now: Caddy listens before."""
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as line,
            trust.wrap_socket(line, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def wait_for(claim: Callable[[], bool], folder: Path) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + START_SECONDS
    while not claim():
        assert time.monotonic() < deadline, (folder / "log").read_text()
        time.sleep(0.05)
