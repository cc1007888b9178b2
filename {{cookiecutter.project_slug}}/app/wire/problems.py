"""Says what is wrong with a message: one sentence for people, and each field for programs."""

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from app.core.rejected import Code, FieldProblem, Rejected
from app.wire.tagged import TAG

# pydantic words these by what it was given, JSON text or parsed JSON; we have one wording.
SHAPES = {
    "dataclass_type": "Input should be an object",
    "model_type": "Input should be an object",
    "model_attributes_type": "Input should be an object",
    "list_type": "Input should be an array",
    "tuple_type": "Input should be an array",
    "dict_type": "Input should be an object",
}
ANYTHING: TypeAdapter[object] = TypeAdapter(object)
NOTHING = "nothing was sent"
TOLD = 100  # so many fields of a message
DOORS = ("body", "query", "path", "header", "cookie")


def rejected(errors: Sequence[Any]) -> Rejected:
    """The refusal for what pydantic found: its `ValidationError.errors()`, at least one."""
    errors = _once(errors)
    problems = [_problem(error) for error in errors[:TOLD]]
    fields = tuple(FieldProblem(loc, text) for _, loc, text in problems if loc)
    subject, loc, text = problems[0]
    match errors[0]["type"]:
        case "missing" if not loc:
            subject, text = "JSON", NOTHING
        case "missing" | "missing_argument":
            text = f"missing required field '{loc}'"
        case "extra_forbidden" | "unexpected_keyword_argument":
            text = f"unknown field '{loc}'"
        case _ if loc:
            text = f"field '{loc}': {text}"
    return Rejected(Code.INVALID, f"Invalid {subject} format: {text}", fields=fields)


def unreadable(text: bytes) -> Rejected:
    """The refusal for a text that is no JSON, in the words of whoever else reads it."""
    try:
        ANYTHING.validate_json(text)
    except ValidationError as error:
        return rejected(error.errors(include_url=False))
    return Rejected(Code.INVALID, "Invalid JSON format: it cannot be read")


def _once(errors: Sequence[Any]) -> Sequence[Any]:
    """Without those that say of the whole what others say of a part: items too few if one is bad.

    A message of 64 KiB may have 80,000 errors: each is looked at once.
    """
    wholes = {loc[:end] for loc in (error["loc"] for error in errors) for end in range(len(loc))}
    return [error for error in errors if error["loc"] not in wholes]


def _problem(error: Any) -> tuple[str, str, str]:
    """What does not fit (message, action, query), which field of it, and why."""
    subject, steps = _place(error["loc"])
    context = error.get("ctx", {})
    match error["type"]:
        case "json_invalid":
            return "JSON", "", str(context["error"]) if error["input"] else NOTHING
        case "union_tag_not_found":
            return subject, "", "missing required field 'type'"
        case "union_tag_invalid":
            return subject, "", f"unknown type {context['tag']!r}, not {context['expected_tags']}"
        case "misshapen_action":
            return "action", "", error["msg"]
        case "extra_forbidden" | "unexpected_keyword_argument":
            return subject, _path(steps), "unknown field"
        case "too_short":
            return subject, _path(steps), f"Input should have {context['min_length']} at least"
        case "too_long":
            return subject, _path(steps), f"Input should have {context['max_length']} at most"
        case "predicate_failed" if "'is_id'" in error["msg"]:
            return subject, _path(steps), "Input may have letters, digits and - _ . : only"
        case "predicate_failed" if "str.isprintable" in error["msg"]:
            return subject, _path(steps), "Input may have printable characters only"
    return subject, _path(steps), SHAPES.get(error["type"], error["msg"])


def _place(loc: Sequence[str | int]) -> tuple[str, Sequence[str | int]]:
    """The part of the message that a location of pydantic's is in, and the way from there.

    A tagged action's location names its class twice: in the union's tag, and as the key.
    """
    for index in range(len(loc) - 1):
        if loc[index] == f"{TAG}{loc[index + 1]}":
            return "action", loc[index + 2 :]
    if loc and loc[0] in DOORS:
        return ("action" if loc[0] == "body" else str(loc[0])), loc[1:]
    return "message", loc[1:]


def _path(steps: Sequence[str | int]) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return path.removeprefix(".")
