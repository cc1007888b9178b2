"""The rules of things."""

from app.core.rejected import Code
from app.domain.things.actions import AddThing, ThingAdded
from tests.scenario import NOW, environment, given

ADDED = ThingAdded("id-1", "first", NOW)


# Write what should happen as a test like these, see it fail, then write the rule.
def test_it_is_added_under_its_name() -> None:
    new_id = environment().new_id()

    given(ADDED).when(AddThing("second")).then(ThingAdded(new_id, "second", NOW))


def test_no_two_have_one_name() -> None:
    given(ADDED).when(AddThing("first")).then_rejected(Code.CONFLICT, "the name first is taken")


def test_they_stand_in_the_order_in_which_they_were_added() -> None:
    things = given(ADDED, ThingAdded("id-2", "second", NOW)).state.things

    assert [each.name for each in things.after(0)] == ["first", "second"]
    assert [each.name for each in things.after(1)] == ["second"]
