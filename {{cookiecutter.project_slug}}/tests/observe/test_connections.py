"""The line in the log of a connection that is over."""

from structlog.testing import capture_logs
from websockets.frames import CloseCode

from app.observe.connections import Tally
from app.observe.metrics import Metrics


def test_the_code_of_a_library_is_told_as_the_number_that_it_is() -> None:
    with capture_logs() as lines:
        code = CloseCode.NO_STATUS_RCVD
        Tally(Metrics()).closed(code, address="127.0.0.1", by="ada", role="operator")

    assert [repr(line["code"]) for line in lines] == ["1005"]
