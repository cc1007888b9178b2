"""The code of a markdown document: its fenced blocks, and what has to be filled in to run them."""

import json
import re
from dataclasses import dataclass
from typing import Any

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELIDED_ITEMS = re.compile(r"\[\s*/\*\s*\.\.\.\s*\*/\s*\]")
PRINTED_HOST = "localhost:3000"


@dataclass(frozen=True)
class Document:
    """The text of a document, and its blocks as (language, code), in order."""

    text: str
    blocks: tuple[tuple[str, str], ...]

    @classmethod
    def parse(cls, markdown: str) -> "Document":
        """The document; blocks that name no language are not code."""
        return cls(markdown, tuple(FENCE.findall(markdown)))

    def code(self, language: str, *containing: str, without: str = "\0") -> str:
        """The one block in this language that contains these strings, and not that one."""
        (found,) = (
            code
            for name, code in self.blocks
            if name == language and without not in code and all(each in code for each in containing)
        )
        return found

    def messages(self) -> list[dict[str, Any]]:
        """Every JSON example."""
        return [json.loads(code) for language, code in self.blocks if language == "json"]

    def message(self, type_: str) -> dict[str, Any]:
        """The one JSON example of this type."""
        (found,) = (message for message in self.messages() if message["type"] == type_)
        return found

    @property
    def order(self) -> dict[str, Any]:
        """What the example of a command orders: the customer and the items."""
        (order,) = self.message("command")["action"].values()
        return order

    @property
    def placed(self) -> dict[str, Any]:
        """The example of an event, without the order's id: that one is the service's to make."""
        (event,) = self.message("event")["action"].values()
        return {name: value for name, value in event.items() if name != "order_id"}

    def runnable(self, code: str, port: int) -> str:
        """The code with its port replaced and the list of items that it leaves out filled in."""
        code = code.replace(PRINTED_HOST, f"localhost:{port}")
        return ELIDED_ITEMS.sub(lambda _: json.dumps(self.order["items"]), code)
