"""A project is edited as its README says: a rule, a field, a command with its event."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.conftest import Bake, type_checked

pytestmark = pytest.mark.slow

ITEM = {"product_id": "p", "name": "Widget", "quantity": 1, "unit_price_cents": 100}

# file, what is there, what comes there instead
EDITS = [
    # a rule
    (
        "app/domain/orders/reducer.py",
        "        case PlaceOrder():\n",
        "        case PlaceOrder():\n            require_welcome(action.customer_id)\n",
    ),
    (
        "app/domain/orders/reducer.py",
        "def placed(state",
        "def require_welcome(customer_id: str) -> None:\n"
        '    """Some customers are not welcome."""\n'
        '    if customer_id == "mallory":\n'
        '        raise Rejected(Code.CONFLICT, "mallory is not welcome")\n\n\n'
        "def placed(state",
    ),
    # a field of an event, with a default
    (
        "app/domain/orders/actions.py",
        "    items: tuple[Item, ...]\n    placed_at: datetime\n",
        '    items: tuple[Item, ...]\n    placed_at: datetime\n    currency: str = "EUR"\n',
    ),
    # a command, with its event
    (
        "app/domain/orders/actions.py",
        "# Commands of the service's own",
        "@dataclass(frozen=True, slots=True)\n"
        "class PraiseOrder:\n"
        '    """Say something nice about an order."""\n\n'
        "    order_id: Id\n"
        "    words: Annotated[str, Len(1, 200)]\n\n\n"
        "# Commands of the service's own",
    ),
    (
        "app/domain/orders/actions.py",
        "OrderCommand: TypeAlias",
        "@dataclass(frozen=True, slots=True)\n"
        "class OrderPraised:\n"
        '    """Somebody likes the order."""\n\n'
        "    order_id: Id\n"
        "    customer_id: UserName\n"
        "    words: str\n\n\n"
        "OrderCommand: TypeAlias",
    ),
    (
        "app/domain/orders/actions.py",
        "ShipOrder | CancelOrder\n",
        "ShipOrder | CancelOrder | PraiseOrder\n",
    ),
    (
        "app/domain/orders/actions.py",
        "OrderPlaced | OrderProcessing | OrderShipped | OrderCancelled\n",
        "(\n    OrderPlaced | OrderProcessing | OrderShipped | OrderCancelled | OrderPraised\n)\n",
    ),
    ("app/domain/orders/reducer.py", "    OrderPlaced,\n", "    OrderPlaced,\n    OrderPraised,\n"),
    ("app/domain/orders/reducer.py", "    PlaceOrder,\n", "    PlaceOrder,\n    PraiseOrder,\n"),
    (
        "app/domain/orders/reducer.py",
        "        case OrderPlaced():\n",
        "        case PraiseOrder():\n"
        "            order = require_order(state, action.order_id, *Status)\n"
        "            praise = OrderPraised(order.order_id, order.customer_id, action.words)\n"
        "            return state, [Append(praise)]\n\n"
        "        case OrderPraised():\n"
        "            return state.changed(action.order_id, praise=action.words), []\n\n"
        "        case OrderPlaced():\n",
    ),
    (
        "app/domain/orders/state.py",
        "    cancelled_at: datetime | None = None\n",
        "    cancelled_at: datetime | None = None\n    praise: str | None = None\n",
    ),
    (
        "app/domain/policy.py",
        "import CancelOrder, ConfirmOrder, PlaceOrder, ShipOrder",
        "import CancelOrder, ConfirmOrder, PlaceOrder, PraiseOrder, ShipOrder",
    ),
    (
        "app/domain/policy.py",
        "PlaceOrder() | ShipOrder() | CancelOrder()",
        "PlaceOrder() | ShipOrder() | CancelOrder() | PraiseOrder()",
    ),
    # its test
    (
        "tests/orders/test_rules.py",
        "def test_events_leave",
        "def test_an_order_can_be_praised() -> None:\n"
        "    from app.domain.orders.actions import OrderPraised, PraiseOrder\n\n"
        '    praise = PraiseOrder("ord-7", "nice")\n\n'
        '    given(PLACED).when(praise).then(OrderPraised("ord-7", "cust-1", "nice"))\n\n\n'
        "def test_events_leave",
    ),
]


def edited(project: Path) -> None:
    """Make the edits; each must find its place."""
    for name, before, after in EDITS:
        text = (project / name).read_text()
        assert text.count(before) == 1, f"{name} does not have {before!r} once"
        (project / name).write_text(text.replace(before, after))


def service_of(project: Path) -> ModuleType:
    """The project's own `tests/service.py`."""
    spec = importlib.util.spec_from_file_location("service", project / "tests" / "service.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["service"] = module
    spec.loader.exec_module(module)
    return module


def post(url: str, path: str, body: Any) -> Any:
    """What a POST is answered with."""
    return httpx.post(f"{url}/api/v1{path}", json=body).json()


def test_an_edited_project_keeps_its_log_and_follows_its_new_rules_at_both_doors(
    bake: Bake, tmp_path: Path
) -> None:
    project = bake()
    service = service_of(project).Service(tmp_path).start()
    old = post(service.url, "/orders", {"customer_id": "ada", "items": [ITEM]})
    assert service.stop() == 0

    edited(project)
    for check in (
        ["ruff", "format"],
        ["ruff", "check"],
        ["pytest", "-q", "tests/orders/test_rules.py", "tests/wire"],
    ):
        call = [sys.executable, "-m", *check]
        done = subprocess.run(call, cwd=project, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    checked = type_checked(project)
    assert checked.returncode == 0, checked.stdout
    service.start()
    praise = {"PraiseOrder": {"order_id": old["order_id"], "words": "nice"}}
    place = {"PlaceOrder": {"customer_id": "mallory", "items": [ITEM]}}
    with connect(f"{service.ws}/ws") as ws:
        ws.send(json.dumps({"type": "command", "action": praise}))
        praised = json.loads(ws.recv(timeout=5))
        ws.send(json.dumps({"type": "command", "action": place}))
        refused_by_socket = json.loads(ws.recv(timeout=5))
    refused_by_http = post(service.url, "/orders", place["PlaceOrder"])
    new = post(service.url, "/commands", {"PlaceOrder": {"customer_id": "ada", "items": [ITEM]}})
    after = httpx.get(f"{service.url}/api/v1/orders/{old['order_id']}").json()
    assert service.stop() == 0

    assert after["status"] == "processing"
    assert after["praise"] == "nice"
    assert praised["action"]["OrderPraised"]["words"] == "nice"
    assert refused_by_socket == refused_by_http
    assert refused_by_http["message"] == "mallory is not welcome"
    assert new["events"][0]["action"]["OrderPlaced"]["currency"] == "EUR"


def test_the_edits_touch_nothing_but_the_feature_and_the_policy() -> None:
    touched = {name for name, _, _ in EDITS}

    assert all(name.startswith(("app/domain/", "tests/orders/")) for name in touched)
