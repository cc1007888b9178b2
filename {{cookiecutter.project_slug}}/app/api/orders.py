"""Orders over HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import as_it_stands, entity_tag, json_answer, or_unchanged, unless_known
from app.api.pages import AfterNumber, Limit, Page
from app.core.principal import Principal
from app.core.rejected import Code, Rejected
from app.domain import State
from app.domain.ids import Id
from app.domain.orders.actions import (
    CancelOrder,
    OrderPlaced,
    PlaceOrder,
    Reason,
    ShipOrder,
    TrackingNumber,
)
from app.domain.orders.reducer import order_of
from app.domain.orders.state import Order, few
from app.domain.policy import may_hear
from app.wire.tagged import Untagged

router = APIRouter(prefix="/orders", tags=["orders"])


@dataclass(frozen=True, slots=True)
class Shipment:
    """How an order leaves."""

    tracking_number: TrackingNumber


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Why an order is given up."""

    reason: Reason


@router.post("", status_code=201, responses={201: {"model": Order}})
async def place_order(
    command: Annotated[PlaceOrder, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Place an order; the answer is the order as it was placed, still pending."""
    outcome = await door.dispatch(command, id=id)
    (placed,) = [e.event for e in outcome.events if isinstance(e.event, OrderPlaced)]
    headers = entity_tag(outcome.seq, door.epoch, door.sender)
    headers["Location"] = f"/api/v1/orders/{placed.order_id}"
    return json_answer(order_of(placed), status=201, headers=headers)


@router.get("", responses=or_unchanged(Page[Order]))
async def list_orders(
    request: Request,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> Response:
    """A page of the sender's orders, first placed first; `next` is the `after` of the next page.

    Of orders with many items there are fewer on a page.
    """
    require_may_hear(sender, f"orders:{sender.name}")

    def page() -> Page[Order]:
        orders = store.state.orders
        ids = orders.ids if may_hear(sender, "orders") else orders.of(sender.name)
        items = few((orders.by_id[order_id] for order_id in ids.after(after)), limit)
        return Page(items, after + len(items) if len(ids) > after + len(items) else None)

    return unless_known(request, store, sender, page)


@router.get("/{order_id}", responses=or_unchanged(Order))
async def get_order(request: Request, order_id: str, store: TheStore, sender: Sender) -> Response:
    """One order as it stands."""
    order = _order(store.state, order_id, sender)
    return unless_known(request, store, sender, lambda: order)


@router.post("/{order_id}/ship", responses={200: {"model": Order}})
async def ship_order(
    order_id: Id,
    shipment: Annotated[Shipment, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Ship an order that is being processed; the answer is the order as it stands."""
    outcome = await door.dispatch(ShipOrder(order_id, shipment.tracking_number), id=id)
    return as_it_stands(door, outcome, outcome.state.orders.get(order_id))


@router.post("/{order_id}/cancel", responses={200: {"model": Order}})
async def cancel_order(
    order_id: Id,
    cancellation: Annotated[Cancellation, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Cancel an order that has not been shipped; the answer is the order as it stands."""
    outcome = await door.dispatch(CancelOrder(order_id, cancellation.reason), id=id)
    return as_it_stands(door, outcome, outcome.state.orders.get(order_id))


def _order(state: State, order_id: str, reader: Principal) -> Order:
    """The order; somebody else's does not exist, as `hidden_from` has it for commands."""
    require_may_hear(reader, f"orders:{reader.name}")
    order = state.orders.get(order_id)
    if order is None or not may_hear(reader, f"orders:{order.customer_id}"):
        raise Rejected(Code.NOT_FOUND, f"order {order_id} does not exist")
    return order
