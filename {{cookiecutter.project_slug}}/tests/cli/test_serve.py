"""What a start refuses, and what it warns of."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.access.start import warn_of
from app.cli.listener import listen, listen_too, reserve
from app.cli.serve import _greet
from app.core.rejected import StartRefused
from app.settings import Settings
from tests.service import ASIDE, START_SECONDS, environment

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")


def has_ipv6() -> bool:
    """Whether the system has it, and listens beside it to IPv4."""
    try:
        socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True).close()
    except (OSError, ValueError):
        return False
    return True


IPV6 = pytest.mark.skipif(not has_ipv6(), reason="the system has no IPv6, or none beside IPv4")


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


@LINUX
def test_a_port_that_is_held_for_workers_is_nobody_elses_before_they_listen() -> None:
    with reserve("127.0.0.1", 0) as held:
        host, port = held.getsockname()

        for opened in listen, reserve:
            with pytest.raises(StartRefused, match="Address already in use"):
                opened(host, port)
        listen_too((host, port)).close()


@LINUX
def test_a_port_is_held_again_right_after_its_workers_have_closed_connections() -> None:
    with reserve("127.0.0.1", 0) as held:
        host, port = held.getsockname()
        with (
            listen_too((host, port)) as worker,
            socket.create_connection((host, port)) as client,
        ):
            worker.accept()[0].close()
            assert client.recv(1) == b""  # from here on the address is in TIME_WAIT

    reserve(host, port).close()


@IPV6
def test_all_addresses_are_those_of_ipv4_too() -> None:
    with listen("::", 0) as listener:
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])).close()


@IPV6
@LINUX
def test_workers_listen_at_all_addresses_those_of_ipv4_too() -> None:
    with reserve("::", 0) as held:
        host, port = held.getsockname()[:2]
        for at in "127.0.0.1", "0.0.0.0", "::":  # noqa: S104 - to be refused
            with pytest.raises(StartRefused, match="Address already in use"):
                listen(at, port)
        with listen_too((host, port)):
            socket.create_connection(("127.0.0.1", port)).close()


@pytest.mark.parametrize(
    ("host", "url"), [("127.0.0.1", "http://127.0.0.1:3918"), ("::1", "http://[::1]:3918")]
)
def test_it_greets_with_an_address_that_a_browser_understands(host: str, url: str) -> None:
    with capture_logs() as lines:
        _greet((host, 3918), Settings(event_log="memory://"))

    assert [line["url"] for line in lines] == [url]


def test_a_service_that_waits_for_its_log_is_stopped_as_one_that_serves(tmp_path: Path) -> None:
    """As process 1 of a container it would not even be ended by a signal that it does not take."""
    said = tmp_path / "said"
    with said.open("wb") as lines:
        service = subprocess.Popen(
            [sys.executable, "-m", "app"],
            cwd=ASIDE,
            env=environment(APP_EVENT_LOG="nats://127.0.0.1:1", APP_PORT="0", NO_COLOR="1"),
            stdout=lines,
            stderr=lines,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "cannot be reached yet" not in said.read_text():
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.02)

        service.terminate()

        assert service.wait(20) == 0
    finally:
        service.kill()
        service.wait()
    assert said.read_text().count("told to stop while nothing is served") == 1
    assert "told to stop" in said.read_text().splitlines()[-1]


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
        warn_of(settings)

    told = [line["event"] for line in lines]
    assert ("what is stored is lost when the service ends" in told) is warns
