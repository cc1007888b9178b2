"""The service as `python -m app` runs it, with an empty route beside its own.

The empty route takes the same body and the same dependencies as the one that places an order, and
does nothing. With `--without-saga` events ask for nothing.
"""

import runpy
import sys
from typing import Annotated

from app import bootstrap
from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.api.orders import router
from app.domain.orders.actions import PlaceOrder
from app.settings import Settings
from app.wire.tagged import Untagged
from fastapi import Response

from benchmarks.shop import ShopRules, without_saga


async def do_nothing(
    command: Annotated[PlaceOrder, Untagged()], door: TheDoor, id: CommandId = None
) -> Response:
    """Answer, and that is all."""
    return Response(status_code=201)


def main() -> None:
    """Serve, as the command line does."""
    router.post("/empty")(do_nothing)
    router.routes.insert(0, router.routes.pop())  # looked at first, as the route beside it is
    if "--without-saga" in sys.argv:
        usual = bootstrap.rules

        def rules(settings: Settings) -> ShopRules:
            return without_saga(usual(settings))

        bootstrap.rules = rules
    sys.argv = ["app"]
    runpy.run_module("app", run_name="__main__")


if __name__ == "__main__":
    main()
