"""A step of an order that was refused is a test, too."""

from pathlib import Path

import pytest

from app.bootstrap import create_app
from app.core.principal import Principal, Role
from app.domain.orders.actions import CancelOrder, Item, PlaceOrder
from app.runtime.scenario import scenario_at
from app.settings import Settings
from app.wire.as_test import as_test
from tests.history.pasting import at_rest, copied, may_see_all, never_gone, run

OLGA = Principal("olga", Role.OPERATOR)
WIDGETS = (Item("prod-1", "Widget", 2, 1999),)

pytestmark = pytest.mark.anyio


async def test_a_refused_reservation_is_told_with_what_it_hangs_on(tmp_path: Path) -> None:
    app = create_app(
        Settings(event_log="memory://", order_expiry_seconds=60, _env_file=None)  # type: ignore[call-arg]
    )
    async with app.router.lifespan_context(app):
        store = app.state.store
        placed = store.submit(PlaceOrder("ada", WIDGETS, "ord-7"), by=OLGA)
        cancelled = store.submit(CancelOrder("ord-7", "no"), by=OLGA)
        await placed
        await cancelled
        await at_rest(store)
        entries = await app.state.history.entries(0, 100)
        texts = [
            as_test(await scenario_at(app.state.history, each.position, may_see_all, never_gone))
            for each in entries
            if each.action is not None
        ]
    project = copied(tmp_path)
    for number, text in enumerate(texts):
        (project / "tests" / "pasted" / f"test_{number}.py").write_text(text)

    passed = run(project, "pytest", "-q", "tests/pasted")

    placing, cancelling, reserving = texts
    assert "terms=Terms(order_expiry_seconds=60)" in placing
    assert "OrderPlaced(" in cancelling
    refusal = 'then_rejected(Code.CONFLICT, "order ord-7 does not wait for stock")'
    assert refusal in reserving
    assert "3 passed" in passed.stdout, passed.stdout
