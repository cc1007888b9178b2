"""What a list over HTTP is asked with: how much of it, and from where on."""

from typing import Annotated, TypeAlias

from annotated_types import Ge, Le
from fastapi import Query

Limit: TypeAlias = Annotated[int, Ge(1), Le(1000), Query(description="so many at most")]
# Pages by number begin after 0; those by name after the empty one.
AfterNumber: TypeAlias = Annotated[int, Ge(0), Query(description="the `next` of the page before")]
AfterName: TypeAlias = Annotated[str, Query(description="the `next` of the page before")]
