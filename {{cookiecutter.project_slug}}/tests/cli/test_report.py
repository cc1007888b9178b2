"""What `check` has found is told to people in few words, and to programs."""

import json

from app.cli.report import Report
from app.runtime.check import CannotBeRead, DecidedDifferently, Ending
from app.runtime.compare import StateDiffers
from app.runtime.event_log.port import Entry


def report(snapshot: int | None = 7) -> Report:
    return Report("sqlite:///x.db", "e1", snapshot)


def test_a_command_that_would_be_decided_differently_is_told_as_a_diff() -> None:
    found = report()
    then = Ending((('{"Moved":{"by":1,"at":5}}', '[{"Cancel":"k"}]'),))
    now = Ending((('{"Moved":{"by":2,"at":5}}', '[{"Cancel":"k"}]'),))

    found.add(DecidedDifferently(3, "ada (operator)", '{"Move":{"by":1}}', then, now))

    text = found.as_text()
    assert 'position 3, ada (operator): Move {"by":1}' in text
    assert '    -    "by": 1,\n    +    "by": 2,\n' in text
    assert "Cancel" not in text
    assert found.differs


def test_a_refusal_is_told_with_its_reason() -> None:
    found = report()
    refused = Ending(refused="it is late")

    found.add(DecidedDifferently(3, "ada (operator)", '"Stop"', Ending(), refused))

    text = found.as_text()
    assert "    -accepted, without an event\n    +refused: it is late\n" in text


def test_a_state_is_told_by_name_and_key() -> None:
    found = report()

    found.add(StateDiffers(7, "cars.by_id", '"a"', '{"at":1,"on":2}', '{"at":3,"on":2}'))
    found.add(StateDiffers(7, "cars.by_id", '"b"', None, "5"))

    text = found.as_text()
    assert 'position 7, cars.by_id "a"' in text
    assert '    -  "at": 1,\n    +  "at": 3,\n' in text
    assert "    +5\n" in text


def test_only_the_first_of_many_are_shown_and_the_rest_counted() -> None:
    found = report()

    for position in range(1, 1236):
        found.add(CannotBeRead(position, "event", "broken", "x" * 1000))

    text = found.as_text()
    assert "position 50, event: broken" in text
    assert "position 51" not in text
    assert "… and 1,185 more" in text
    assert "1,235 cannot be read" in text
    assert max(map(len, text.splitlines())) < 200
    assert len(json.loads(found.as_json())["unreadable"]) == 50


def test_a_long_diff_is_cut() -> None:
    found = report()
    many = json.dumps({f"key{number}": number for number in range(100)})

    found.add(StateDiffers(7, "cars.all", "", many, None))

    assert "    -… and 87 lines more" in found.as_text()
    assert len(found.as_text().splitlines()) < 60


def test_a_refusal_is_told_however_much_happened_then() -> None:
    found = report()
    many = json.dumps({"Placed": {f"key{number}": number for number in range(100)}})
    refused = Ending(refused="it is late")

    found.add(DecidedDifferently(3, "ada (operator)", '"Stop"', Ending(((many, None),)), refused))

    assert "    -… and 89 lines more\n    +refused: it is late\n" in found.as_text()


def test_a_log_with_a_single_difference_is_told_by_its_name() -> None:
    found = report()

    assert list(found.counted([Entry(1, 0, "k", "ada", "operator")]))
    found.add(CannotBeRead(1, "event", "broken", "x"))
    found.add(DecidedDifferently(1, "ada (operator)", '"Stop"', Ending(), Ending(refused="late")))

    heading, *_, last = found.as_text().splitlines()
    assert "give a new field a default, or turn what is old into what is new" in heading
    assert last == (
        "sqlite:///x.db: 1 entry read: 1 cannot be read, 0 differences of the State, "
        "1 command decided differently."
    )


def test_it_is_said_that_there_was_no_snapshot_and_what_is_unsure() -> None:
    found = report(snapshot=None)
    found.unsure_after = 12

    assert "There is no snapshot yet" in found.as_text()
    assert "the State was not compared" in found.as_text()
    assert "positions after 12" in found.as_text()
    assert "There is no snapshot yet" not in report().as_text()
    assert "0 differences of the State" in report().as_text()
    assert not report().differs
