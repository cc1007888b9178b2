"""Ada, Bob, Olga and nobody, at the doors of the service as it runs in production."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from app.core.principal import Role
from tests.access.keys import signed
from tests.service import Service

PEOPLE: Mapping[str, Role] = {
    "nobody": Role.ANONYMOUS,
    "ada": Role.CUSTOMER,
    "bob": Role.CUSTOMER,
    "olga": Role.OPERATOR,
}
SECONDS = 10
# What every service takes, if from an operator only.
REVOKE = {"RevokeTokens": {"user_id": "mallory"}}


def token_of(name: str) -> dict[str, str]:
    """The header by which a person is known; nobody has none."""
    if PEOPLE[name] is Role.ANONYMOUS:
        return {}
    return {"Authorization": f"Bearer {signed(sub=name, role=PEOPLE[name].value)}"}


class World:
    """The service, and everybody who speaks to it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._numbers = count(1)
        self._clients = {
            name: httpx.Client(headers=token_of(name), timeout=SECONDS) for name in PEOPLE
        }

    def new(self, kind: str) -> str:
        """An id that nothing has."""
        return f"{kind}-{next(self._numbers)}"

    def get(self, name: str, path: str, **headers: str) -> httpx.Response:
        """What somebody reads."""
        client = self._clients[name]
        return client.get(f"{self.service.url}/api/v1{path}", headers=headers)

    def post(self, name: str, path: str, body: object, **headers: str) -> httpx.Response:
        """What somebody is answered."""
        url = f"{self.service.url}/api/v1{path}"
        if body is None:
            return self._clients[name].post(url, headers=headers)
        return self._clients[name].post(url, json=body, headers=headers)

    def send(self, name: str, path: str, text: str, **headers: str) -> httpx.Response:
        """What somebody is answered who sends this text, whatever it is."""
        url = f"{self.service.url}/api/v1{path}"
        return self._clients[name].post(url, content=text.encode(), headers=headers)

    def do(self, name: str, action: object) -> None:
        """Have somebody give a command that is not refused."""
        answer = self.post(name, "/commands", action)
        assert answer.status_code == 200, answer.text

    def until(self, path: str, is_so: Callable[[Any], bool], name: str = "olga") -> Any:
        """What somebody reads there, as soon as it is so."""
        deadline = time.monotonic() + SECONDS
        while not is_so(read := self.get(name, path).json()):
            assert time.monotonic() < deadline, f"{path} stays {read}"
            time.sleep(0.002)
        return read

    def routes(self, method: str) -> dict[str, Any]:
        """What the service says of its routes by this method, by address, without `/api/v1`."""
        paths = self._clients["nobody"].get(f"{self.service.url}/openapi.json").json()["paths"]
        return {
            path.removeprefix("/api/v1"): methods[method]
            for path, methods in paths.items()
            if path.startswith("/api/v1/") and method in methods
        }

    @contextmanager
    def socket(self, name: str, **query: object) -> Iterator[ClientConnection]:
        """A connection of somebody's."""
        url = f"{self.service.ws}/api/v1/ws?{urlencode(query)}"
        with connect(url, additional_headers=token_of(name), max_queue=None) as socket:
            yield socket

    @contextmanager
    def stream(self, name: str, *, last: str | None, **query: object) -> Iterator[httpx.Response]:
        """A stream of events of somebody's, after the event with the id `last`, if any."""
        url = f"{self.service.url}/api/v1/events"
        headers = {} if last is None else {"Last-Event-ID": last}
        with self._clients[name].stream(
            "GET", url, params=urlencode(query), headers=headers
        ) as answer:
            yield answer

    def close(self) -> None:
        """Everybody leaves."""
        for client in self._clients.values():
            client.close()


def say(socket: ClientConnection, text: str, id: str | None = None) -> Any:
    """Send this; the answer to it, whatever else is heard meanwhile."""
    socket.send(text)
    while True:
        heard = json.loads(socket.recv(timeout=SECONDS))
        if heard["type"] in ("ack", "error", "pong") and heard.get("id") == id:
            return heard


def command(socket: ClientConnection, action: object, id: str | None = None) -> Any:
    """Give a command by the socket: its acknowledgement, or its refusal."""
    given = id or str(uuid4())
    return say(socket, json.dumps({"type": "command", "action": action, "id": given}), given)


def without_id(answer: Any) -> Any:
    """An answer but for what only the socket has to say: which message it is the answer to."""
    return {key: value for key, value in answer.items() if key != "id"}


def by_socket(
    world: World, connections: ExitStack, name: str, query: Mapping[str, object]
) -> Iterator[Any]:
    """What is heard by a socket, until it is closed."""
    socket = connections.enter_context(world.socket(name, **query))

    def messages() -> Iterator[Any]:
        while True:
            try:
                yield json.loads(socket.recv(timeout=SECONDS))
            except ConnectionClosed:
                return

    return messages()


def by_stream(
    world: World, connections: ExitStack, name: str, query: Mapping[str, object]
) -> Iterator[Any]:
    """What is heard by a stream, until it ends; it goes on from the log as a browser does."""
    others, last = dict(query), None
    if "epoch" in others:
        last = f"{others.pop('epoch')}:{others.pop('since')}"
    answer = connections.enter_context(world.stream(name, last=last, **others))

    def messages() -> Iterator[Any]:
        if answer.status_code != 200:
            yield json.loads(answer.read())
            return
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))

    return messages()
