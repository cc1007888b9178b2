"""What an address may say: of a NATS server, and of none."""

import pytest

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log
from app.runtime.event_log.nats.address import address_of


def test_an_address_names_servers_a_stream_and_who_asks() -> None:
    address = address_of("tls://ada:p%40ss@a:4222,b,[::1]:9/?replicas=3&stream=shop")

    assert address.servers == ("tls://a:4222", "tls://b:4222", "tls://[::1]:9")
    assert (address.stream, address.replicas) == ("shop", 3)
    assert (address.user, address.password, address.token) == ("ada", "p@ss", None)
    assert address.name == "tls://ada@a:4222,b:4222,[::1]:9/shop"


def test_an_address_need_not_say_much() -> None:
    address = address_of("nats://localhost")

    assert address.servers == ("nats://localhost:4222",)
    assert (address.stream, address.replicas, address.token) == ("event_log", 1, None)


def test_a_token_is_a_secret() -> None:
    address = address_of("nats://s3cr3t@a")

    assert (address.user, address.token) == (None, "s3cr3t")
    assert "s3cr3t" not in address.name


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nats://", "no address"),
        ("nats://u:s3cr3t@a:4222/name", "no address"),
        ("nats://u:s3cr3t@a:port", "a:port"),
        ("nats://u:s3cr3t@a,,b", "no host"),
        ("nats://u:s3cr3t@a/?replica=3", "not replica"),
        ("nats://u:s3cr3t@a/?replicas=2", "1, 3 or 5"),
        ("nats://u:s3cr3t@a/?stream=a.b", "letters"),
        ("tls://u:s3cr3t@a/?stream=", "letters"),
        ("nats://u:1/s3cr3t@a", "no address"),
        ("nats://u:s3cr3t?@a", "no address"),
        ("nats://u?s3cr3t@a", "no address"),
        ("postgresql://u:s3cr3t@/x@a/b", "no address of a database"),
        ("postgresql://u:x@s3cr3t@a/b", "no address of a database"),
        ("postgresql://u:x/s3cr3t@a/b", "no address of a database"),
        ("postgresql://u:x?s3cr3t/@a/b", "no address of a database"),
        ('"postgresql://u:s3cr3t@a/b"', "names no event log"),
        ("postgresql+psycopg://u:s3cr3t@a/b", "names no event log"),
        ("Postgres://u:s3cr3t@a/b", "names no event log"),
        ("postgresql:/u:s3cr3t@a/b", "names no event log"),
    ],
)
def test_what_an_address_cannot_say_is_refused_in_words(url: str, words: str) -> None:
    with pytest.raises(StartRefused, match=words) as problem:
        open_event_log(url)

    assert "s3cr3t" not in str(problem.value)
