"""The lines by which the service learns of a new feature, each with what it goes below."""

from dataclasses import dataclass

ROOT_FILE = "app/domain/__init__.py"
POLICY_FILE = "app/domain/policy.py"
ROUTES_FILE = "app/api/__init__.py"


@dataclass(frozen=True, slots=True)
class Addition:
    """Lines to add to a file, below a line, or several in a row, that it has once."""

    file: str
    below: str
    lines: tuple[str, ...]


ADDITIONS = (
    Addition(
        ROOT_FILE,
        "from app.domain.features import Features",
        (
            "from app.domain.things.actions import ThingCommand, ThingEvent",
            "from app.domain.things.actions import topic as topic_of_things",
            "from app.domain.things.reducer import reduce as reduce_things",
            "from app.domain.things.state import Things",
            "from app.domain.things.state import view as view_things",
        ),
    ),
    Addition(
        ROOT_FILE,
        "ClientCommand: TypeAlias = Union[\n    # one feature a line",
        ("    ThingCommand,",),
    ),
    Addition(
        ROOT_FILE, "Event: TypeAlias = Union[\n    # one feature a line", ("    ThingEvent,",)
    ),
    Addition(
        ROOT_FILE,
        "    revocation: Revocations = Revocations()",
        ("    things: Things = Things()",),
    ),
    Addition(
        ROOT_FILE,
        "    Features[State, Never, Effect]()\n    # one feature a line",
        ("    .and_(lambda s: s.things, reduce_things, lambda s, own: s._replace(things=own))",),
    ),
    Addition(
        ROOT_FILE,
        '    """The topic on which an event is heard; who may hear it stands in `policy.py`."""',
        ("    if isinstance(event, ThingEvent):", "        return topic_of_things(event)"),
    ),
    Addition(
        ROOT_FILE,
        "VIEWS: Mapping[str, Callable[[State, Principal], object]] = {",
        ('    "things": lambda state, principal: view_things(state.things, principal),',),
    ),
    Addition(
        POLICY_FILE,
        "from app.domain import Command, State",
        ("from app.domain.things.actions import AddThing",),
    ),
    Addition(
        POLICY_FILE,
        "    match principal.role, command:",
        (
            "        case (Role.CUSTOMER | Role.OPERATOR, AddThing()):",
            "            return True",
        ),
    ),
    Addition(
        POLICY_FILE,
        '    match principal.role, topic.split(":", 1):',
        (
            '        case (Role.CUSTOMER | Role.OPERATOR, ["things"]):',
            "            return True",
        ),
    ),
    Addition(
        ROUTES_FILE,
        "from app.api.revocations import router as revocations",
        ("from app.api.things import router as things",),
    ),
    Addition(
        ROUTES_FILE,
        "    # one router a line",
        ("    things,",),
    ),
)
