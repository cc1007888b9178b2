"""What a start refuses, and what it warns of."""

import socket
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from app.cli.listener import listen, reserve
from app.cli.serve import _warn
from app.core.rejected import StartRefused
from app.settings import Settings


@pytest.mark.parametrize("opened", [listen, reserve])
def test_where_it_cannot_listen_is_told_with_what_to_do(
    opened: Callable[[str, int], socket.socket],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        host, port = other.getsockname()
        for address, words in (
            ((host, port), "Address already in use; stop what listens there, or set APP_HOST and"),
            (("no.host.invalid", 3000), "the host no.host.invalid is not known; set APP_HOST"),
            (("192.0.2.1", 3000), "Cannot assign requested address; set APP_HOST and APP_PORT"),
        ):
            with pytest.raises(StartRefused) as refused:
                opened(*address)
            assert words in str(refused.value)


@pytest.mark.parametrize(
    ("env", "event_log", "warns"),
    [
        ("production", "memory://", True),
        ("production", "sqlite:///x.db", False),
        ("development", "memory://", False),
    ],
)
def test_a_service_in_production_that_keeps_nothing_warns_of_it(
    env: str, event_log: str, *, warns: bool
) -> None:
    values = {"env": env, "event_log": event_log}
    settings = Settings.model_validate(values)

    with capture_logs() as lines:
        _warn(settings)

    told = [line["event"] for line in lines]
    assert ("what is stored is lost when the service ends" in told) is warns
