"""Nobody ever receives what another was told, whichever way they ask and whatever they ask for."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.access.keys import SECRET
from tests.orders.policy import order
from tests.policy.people import World, by_socket, by_stream
from tests.service import Service

OTHER = {"ada": "bob", "bob": "ada"}
EACH = 3
# What is asked for; `own` and `others` are topics of one person's alone.
ASKED = ["", "notifications", "own", "others", "own,others,notifications,orders"]
READ = [
    "/notifications",
    "/notifications?user={other}",
    "/snapshot",
    "/snapshot?topics=notifications",
    "/snapshot?topics=notifications:{other}",
    "/snapshot?user={other}",
    "/orders",
    "/dead-letters",
]


@pytest.fixture(params=["1", "1024"], ids=["log", "ring"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A service that tells what was missed from the log, or from the ring of its last events."""
    settings = {"APP_ENV": "production", "APP_JWT_SECRET": SECRET, "APP_RING_EVENTS": request.param}
    service = Service(tmp_path, **settings).start()
    world = World(service)
    yield world
    world.close()
    service.kill()


def tell(world: World, name: str) -> None:
    """Ship an order of this customer's; they are told, with words that name nobody else."""
    body = {**order(world.new(f"{name}-order")), "customer_id": name}
    world.do(name, {"PlaceOrder": body})
    path = f"/orders/{body['order_id']}"
    world.until(path, lambda read: read["status"] == "processing")
    before = len(world.get(name, "/notifications").json()["items"])
    shipment = {"order_id": body["order_id"], "tracking_number": f"for-{name}-alone"}
    world.do("olga", {"ShipOrder": shipment})
    told = world.until("/notifications", lambda read: len(read["items"]) > before, name)
    read = {"notification_id": told["items"][-1]["notification_id"]}
    world.do(name, {"MarkNotificationRead": read})


def listen(world: World, connections: ExitStack, **position: object) -> dict[Any, Iterator[Any]]:
    """Everybody asks for everything at both doors; the messages of each."""
    found = {}
    for name, asked, door in product((*OTHER, "olga"), ASKED, (by_socket, by_stream)):
        own, others = f"notifications:{name}", f"notifications:{OTHER.get(name, 'ada')}"
        topics = asked.replace("own", own).replace("others", others)
        query = {"topics": topics, **position} if topics else dict(position)
        found[name, asked, door.__name__] = door(world, connections, name, query)
    return found


def due(name: str, asked: str) -> int:
    """How many events of notifications are to be heard: of each, that it is there, and is read."""
    return 0 if name == "olga" or asked == "others" else 2 * EACH


def told(messages: list[Any]) -> list[Any]:
    """What of this is about notifications, whoever's they are."""
    actions = [action for message in messages for action in message.get("action", {}).items()]
    return [fields for event, fields in actions if event.startswith("Notification")]


def heard_by_all(world: World) -> dict[Any, list[Any]]:
    """What everybody hears while, and after, both are told something; the service stops then."""
    epoch = world.get("olga", "/snapshot").json()["epoch"]
    with ExitStack() as connections:
        ways = {"live": listen(world, connections)}
        for name in [*OTHER] * EACH:
            tell(world, name)
        ways["resumed"] = listen(world, connections, since=0)
        ways["by id"] = listen(world, connections, since=0, epoch=epoch)
        places = {(way, *key): each for way, some in ways.items() for key, each in some.items()}
        heard: dict[Any, list[Any]] = {place: [] for place in places}
        for place, messages in places.items():
            _, name, asked, _ = place
            while len(told(heard[place])) < due(name, asked):
                heard[place].append(next(messages))
        assert world.service.stop() == 0
        for place, messages in places.items():
            heard[place].extend(messages)  # nothing more is theirs, and nothing more may come
    return heard


def test_nobody_hears_what_another_was_told(world: World) -> None:
    for (_, name, asked, _), messages in heard_by_all(world).items():
        assert [fields["user_id"] for fields in told(messages)] == [name] * due(name, asked)
        if name in OTHER:
            assert f"for-{OTHER[name]}-alone" not in json.dumps(messages)


def test_nobody_reads_what_another_was_told(world: World) -> None:
    for name in OTHER:
        tell(world, name)

    for name, other in OTHER.items():
        own, *others = [world.get(name, path.format(other=other)).text for path in READ]
        assert f"for-{name}-alone" in own
        assert not [text for text in (own, *others) if f"for-{other}-alone" in text]
    snapshot = world.get("olga", "/snapshot").json()["state"]
    assert snapshot["notifications"] == world.get("olga", READ[0]).json()["items"] == []


def test_that_another_was_told_something_is_not_to_be_found_out(world: World) -> None:
    tell(world, "ada")
    notification_id = world.get("ada", "/notifications").json()["items"][0]["notification_id"]

    for name in ("bob", "olga"):
        answers = [
            world.post(name, f"/notifications/{each}/read", None)
            for each in (notification_id, "none")
        ]
        there, nowhere = [answer.json() for answer in answers]

        assert [answer.status_code for answer in answers] == [404, 404]
        assert there == json.loads(json.dumps(nowhere).replace("none", notification_id))
