"""What the OpenAPI document promises, held against the running service with values made from it."""

from contextlib import suppress
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.attacks.watch import faults
from tests.service import Service

STREAM = "/api/v1/events"  # its answer has no end
# JSON Schema cannot say all that the domain demands, as that a text is printable.
UNSAID: list[Any] = [positive_data_acceptance]
# What does not fit is refused, be it as too large: 413 is not among the answers usually expected.
REFUSED = {"checks": {"negative_data_rejection": {"expected-statuses": ["4xx"]}}}


@pytest.mark.slow
def test_every_answer_is_one_that_the_document_describes(service: Service) -> None:
    config = schemathesis.Config.from_dict(REFUSED)
    whole = schemathesis.openapi.from_url(f"{service.url}/openapi.json", config=config)
    document = whole.exclude(path=STREAM)
    operations = [found.ok() for found in document.get_all_operations() if isinstance(found, Ok)]

    for operation in operations:
        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(max_examples=15, suppress_health_check=list(HealthCheck))
            def is_answered_as_described(case: Any) -> None:
                case.call_and_validate(excluded_checks=UNSAID)

            with suppress(Unsatisfiable):  # where nothing is asked for, nothing can be wrong
                is_answered_as_described()

    assert len(operations) > 5
    assert faults(service) == []
