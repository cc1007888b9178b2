"""A persistent list keeps what it was."""

import pytest

from app.domain.persistent_list import CHUNK, PersistentList

BLOCK = CHUNK * CHUNK
LENGTHS = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, BLOCK - 1, BLOCK, BLOCK + CHUNK + 1, 2 * BLOCK]


@pytest.mark.parametrize("length", LENGTHS)
def test_it_has_every_value_in_its_place_however_it_was_made(length: int) -> None:
    values: PersistentList[int] = PersistentList()
    for number in range(length):
        values = values.added(number)

    assert values == PersistentList.of(range(length))
    assert len(values) == length
    assert list(values) == list(range(length))
    assert list(values.after(length // 2)) == list(range(length // 2, length))
    assert list(values.newest_first()) == list(reversed(range(length)))


@pytest.mark.parametrize("length", [*LENGTHS, 2 * BLOCK + CHUNK + 7])
def test_there_is_nothing_before_its_first_value_nor_after_its_last(length: int) -> None:
    values = PersistentList.of(range(length))

    for position in (-BLOCK, -CHUNK, -1, *range(length, length + BLOCK + CHUNK)):
        with pytest.raises(IndexError):
            values[position]


@pytest.mark.parametrize("length", LENGTHS)
def test_adding_to_it_leaves_it_as_it_was(length: int) -> None:
    before = PersistentList.of(range(length))

    assert list(before.added(-1)) == [*range(length), -1]
    assert list(before) == list(range(length))
