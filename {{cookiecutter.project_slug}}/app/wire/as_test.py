"""A scenario as a test in Python, to be put into `tests/` as it is."""

import re
from collections.abc import Iterator
from datetime import timedelta

from app.core.environment import EPOCH
from app.core.principal import SYSTEM
from app.core.rejected import Code, Rejected
from app.core.terms import Terms
from app.domain import Command, Event
from app.runtime.scenario import Scenario
from app.wire.python_source import Imports, Source, call, lines, moment, named, source, text

CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def as_test(scenario: Scenario[Command, Event]) -> str:
    """The module: imports, and one test; raises Rejected for a value that cannot be written."""
    imports, at = Imports(), scenario.moment.position
    name = type(scenario.moment.command).__name__
    body = [
        *(f"    # {line}" for line in _why(scenario)),
        *lines(_given(scenario, imports), 4),
        *lines(_at(scenario, imports), 4),
        "",
        *lines(_when(scenario, imports), 4),
        "",
        *lines(_then(scenario, imports), 4),
    ]
    head = [f'"""{name}, as it was decided at position {at} of the event log."""', ""]
    title = f"def test_{CAPITAL.sub('_', name).lower()}_as_at_position_{at}() -> None:"
    return "\n".join([*head, *imports.lines(), "", title, *body, ""])


def _why(scenario: Scenario[Command, Event]) -> Iterator[str]:
    log = f"Of the log up to position {scenario.before},"
    if not scenario.is_least:
        yield f"{log} these {len(scenario.given)} events lead to the same."
        yield "Some of them may not be needed: to try without each would have taken too long."
    elif scenario.given:
        yield f"{log} these are what the decision hangs on."
    else:
        yield "The decision hangs on nothing that happened before it."


def _given(scenario: Scenario[Command, Event], imports: Imports) -> Source:
    name = imports.name("tests.scenario", "given")
    return call(f"before = {name}", [source(event, imports) for event in scenario.given])


def _at(scenario: Scenario[Command, Event], imports: Imports) -> Source:
    when = scenario.moment
    parts: list[Source] = [
        moment(EPOCH + timedelta(microseconds=when.time), imports),
        named("seed", text(when.seed)),
        named("position", str(when.position)),
    ]
    if scenario.terms != Terms():
        parts.append(named("terms", source(scenario.terms, imports)))
    return call("moment = before.at", parts)


def _when(scenario: Scenario[Command, Event], imports: Imports) -> Source:
    when = scenario.moment
    parts = [source(when.command, imports)]
    if when.by != SYSTEM:
        parts.append(source(when.by, imports))
    return call("decided = moment.when", parts)


def _then(scenario: Scenario[Command, Event], imports: Imports) -> Source:
    ruling = scenario.ruling
    if ruling.refused is not None:
        code, words = ruling.refused
        return call("decided.then_rejected", [source(code, imports), text(words)])
    if ruling.events and ruling.published:
        raise Rejected(Code.CONFLICT, "a test says what is appended or what is published, not both")
    if ruling.published:
        parts = [source(event, imports) for event in ruling.published]
        return call("decided.then_published", parts)
    parts = [source(event, imports) for event in ruling.events]
    if ruling.asks:
        parts.append(named("asks", source(list(ruling.asks), imports)))
    return call("decided.then", parts)
