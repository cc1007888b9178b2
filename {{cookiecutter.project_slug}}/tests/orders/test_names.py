"""Names that go into addresses are refused in words that say what they may be."""

import pytest
from pydantic import TypeAdapter, ValidationError

from app.domain.ids import Id
from app.wire import problems


@pytest.mark.parametrize("name", ["a/b", "..", "é", "a b", "a\n"])
def test_a_name_that_does_not_fit_an_address_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValidationError) as error:
        TypeAdapter(dict[str, Id]).validate_python({"body": name})

    refusal = problems.rejected(error.value.errors())
    assert refusal.message.endswith("Input may have letters, digits and - _ . : only")


@pytest.mark.parametrize("name", ["a", ".a", "a.b:c-d_e", "A9", "x" * 64])
def test_a_name_that_fits_is_taken(name: str) -> None:
    assert TypeAdapter(Id).validate_python(name) == name
