"""What the Python peers say: the same messages as the service, so that all send the same bytes."""

import json
import sys
from itertools import count
from typing import Any

PORT = int(sys.argv[1])

positions = count(1)


def event_and_ack(command: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What everybody hears of a command, and what its sender is answered."""
    seq, cause = next(positions), command["id"]
    product_id = command["action"]["AddStock"]["product_id"]
    action = {"InventoryUpdated": {"product_id": product_id, "available": seq}}
    return (
        {"type": "event", "action": action, "seq": seq, "cause": cause},
        {"type": "ack", "id": cause, "seq": seq},
    )


def texts(command: str) -> tuple[str, str]:
    """The same, from text to text."""
    event, ack = event_and_ack(json.loads(command))
    return json.dumps(event, separators=(",", ":")), json.dumps(ack, separators=(",", ":"))
