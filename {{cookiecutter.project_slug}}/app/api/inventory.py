"""The inventory over HTTP."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import entity_tag, json_answer, or_unchanged, unless_known
from app.api.pages import AfterName, Limit, Page, page_of
from app.core.rejected import Code, Rejected
from app.domain.ids import Id
from app.domain.inventory.actions import AddStock, InventoryUpdated, Quantity
from app.domain.inventory.state import Product
from app.wire.tagged import Untagged

router = APIRouter(prefix="/inventory", tags=["inventory"])


@dataclass(frozen=True, slots=True)
class Delivery:
    """Units that have come in."""

    quantity: Quantity


@router.get("", responses=or_unchanged(Page[Product]))
async def list_products(
    request: Request,
    store: TheStore,
    sender: Sender,
    limit: Limit = 100,
    after: AfterName = "",
) -> Response:
    """A page of the products in stock, by name; `next` is the `after` of the next page."""
    require_may_hear(sender, "inventory")

    def page() -> Page[Product]:
        products = store.state.inventory.after(after, limit + 1)
        return page_of(products, limit, lambda product: product.product_id)

    return unless_known(request, store, sender, page)


@router.get("/{product_id}", responses=or_unchanged(Product))
async def get_product(
    request: Request, product_id: str, store: TheStore, sender: Sender
) -> Response:
    """One product and how much of it there is."""
    require_may_hear(sender, "inventory")
    product = store.state.inventory.get(product_id)
    if product is None:
        raise Rejected(Code.NOT_FOUND, f"product {product_id} was never stocked")
    return unless_known(request, store, sender, lambda: product)


@router.post("/{product_id}/stock", responses={200: {"model": Product}})
async def add_stock(
    product_id: Id,
    delivery: Annotated[Delivery, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Put units on the shelf; the answer is the product as it then was."""
    outcome = await door.dispatch(AddStock(product_id, delivery.quantity), id=id)
    (updated,) = [e.event for e in outcome.events if isinstance(e.event, InventoryUpdated)]
    product = Product(updated.product_id, updated.available)
    return json_answer(product, headers=entity_tag(outcome.seq, door.epoch, door.sender))
