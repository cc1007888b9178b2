"""The limits: who is counted as whom, what is refused in which words, and counts that end at 0."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.buckets import SECOND
from app.access.identity import ANONYMOUS
from app.access.limits import RETRY_SECONDS, Lease, Limit, LimitReached, Limits
from app.core.principal import Principal, Role
from app.core.rejected import Code
from app.settings import Settings

ADA, BOB = Principal("ada", Role.CUSTOMER), Principal("bob", Role.CUSTOMER)
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Clock:
    """Nanoseconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        """The time."""
        return self.now


def limits(clock: Clock | None = None, **settings: Any) -> Limits:
    found = Settings(_env_file=None, **settings)  # type: ignore[call-arg]
    return Limits(found, clock or Clock())


def is_refused(found: Limits, principal: Principal, address: str) -> bool:
    try:
        found.command(principal, address)
    except LimitReached:
        return True
    return False


def test_a_principal_is_counted_by_its_name_wherever_it_is_and_whatever_its_role() -> None:
    found = limits(command_burst=1)
    found.command(ADA, HERE)

    assert is_refused(found, ADA, THERE)
    assert is_refused(found, Principal("ada", Role.OPERATOR), HERE)


def test_two_principals_of_one_address_do_not_share() -> None:
    found = limits(command_burst=1)
    found.command(ADA, HERE)

    assert not is_refused(found, BOB, HERE)
    assert not is_refused(found, ANONYMOUS, HERE)


@pytest.mark.parametrize("role", [Role.ANONYMOUS, Role.OPERATOR])
def test_whoever_is_anonymous_is_counted_by_address(role: Role) -> None:
    found, nobody = limits(command_burst=1), Principal(ANONYMOUS.name, role)
    found.command(nobody, HERE)

    assert is_refused(found, nobody, HERE)
    assert not is_refused(found, nobody, THERE)


def test_a_principal_whose_name_is_an_address_is_not_that_address() -> None:
    found = limits(command_burst=1)
    found.command(Principal(HERE, Role.CUSTOMER), THERE)

    assert not is_refused(found, ANONYMOUS, HERE)


def test_a_refusal_says_when_it_is_over_in_whole_seconds() -> None:
    clock = Clock()
    found = limits(clock, commands_per_second=1, command_burst=2)
    found.command(ADA, HERE)
    clock.now += SECOND // 2
    found.command(ADA, HERE)

    with pytest.raises(LimitReached) as taken:
        found.command(ADA, HERE)
    clock.now += (taken.value.retry_after or 0) * SECOND
    found.command(ADA, HERE)

    assert (taken.value.code, taken.value.limit) == (Code.RATE_LIMITED, Limit.COMMANDS)
    assert taken.value.retry_after == 1
    assert taken.value.message == "too fast: 2 commands at once and 1 a second at most"


def test_many_small_answers_are_counted_too() -> None:
    found = limits(read_bytes_per_second=64 * 1024)
    for _ in range(300):
        found.has_read(ADA, HERE, 10)

    with pytest.raises(LimitReached):
        found.reading(ADA, HERE)


def test_whoever_is_named_like_an_address_does_not_read_in_its_place() -> None:
    found = limits(read_bytes_per_second=1024 * 1024)
    found.has_read(Principal(HERE, Role.CUSTOMER), THERE, 10 * 1024 * 1024)

    found.reading(ANONYMOUS, HERE)


def test_a_reader_is_given_what_is_there_however_big_and_waits_afterwards() -> None:
    clock = Clock()
    found = limits(clock, read_bytes_per_second=1024 * 1024)
    found.reading(ADA, HERE)
    found.has_read(ADA, HERE, 10 * 1024 * 1024)

    with pytest.raises(LimitReached) as taken:
        found.reading(ADA, THERE)
    found.reading(BOB, HERE)
    found.reading(ANONYMOUS, HERE)
    clock.now += (taken.value.retry_after or 0) * SECOND
    found.reading(ADA, HERE)

    assert (taken.value.code, taken.value.limit) == (Code.RATE_LIMITED, Limit.READING)
    assert taken.value.retry_after == 7  # four seconds' worth were there, and ten were taken


def test_a_connection_has_messages_of_its_own_not_those_left_by_one_before_it() -> None:
    found = limits(command_burst=1)

    for _ in range(100):  # of which many are where one before was, in memory
        lease = found.connect(HERE)
        found.message(lease)
        lease.release()
        del lease


def test_a_full_process_is_unavailable_and_a_full_address_is_too_many() -> None:
    found = limits(max_connections=3, connections_per_address=2)
    first = found.connect(HERE)
    found.connect(HERE)

    with pytest.raises(LimitReached) as of_address:
        found.connect(HERE)
    found.connect(THERE)
    with pytest.raises(LimitReached) as of_node:
        found.connect("192.0.2.3")
    first.release()
    found.connect(HERE)

    assert (of_address.value.code, of_address.value.limit) == (Code.RATE_LIMITED, Limit.ADDRESS)
    assert (of_node.value.code, of_node.value.limit) == (Code.UNAVAILABLE, Limit.NODE)
    assert of_address.value.retry_after == of_node.value.retry_after == RETRY_SECONDS


def test_a_connection_moves_to_the_principal_that_it_turns_out_to_be() -> None:
    found = limits(connections_per_principal=1)
    first, second = found.connect(HERE), found.connect(HERE)
    first.identify(ADA)

    with pytest.raises(LimitReached) as taken:
        second.identify(ADA)
    first.identify(BOB)
    second.identify(ADA)

    assert (taken.value.code, taken.value.limit) == (Code.RATE_LIMITED, Limit.PRINCIPAL)


def test_a_refused_principal_leaves_the_connection_with_the_one_before() -> None:
    found = limits(connections_per_principal=1)
    first, second, third = (found.connect(HERE) for _ in range(3))
    first.identify(ADA)
    second.identify(BOB)

    with pytest.raises(LimitReached):
        second.identify(ADA)

    with pytest.raises(LimitReached):
        third.identify(BOB)


def test_a_principal_that_is_named_again_counts_once() -> None:
    found = limits(connections_per_principal=1)
    lease = found.connect(HERE)

    lease.identify(ADA)
    lease.identify(ADA)
    lease.identify(Principal("ada", Role.OPERATOR))
    lease.release()

    found.connect(HERE).identify(ADA)


def test_the_anonymous_principal_has_as_many_as_its_address() -> None:
    found = limits(connections_per_principal=1)

    for _ in range(5):
        found.connect(HERE).identify(ANONYMOUS)


def test_as_many_principals_are_here_as_there_are_names() -> None:
    found = limits()
    leases = [found.connect(HERE) for _ in range(5)]
    for lease, principal in zip(leases, [ADA, ADA, BOB, ANONYMOUS, ANONYMOUS], strict=True):
        lease.identify(principal)

    assert found.principals == 3

    for lease in leases[1:]:
        lease.release()

    assert found.principals == 1


def test_what_has_ended_stays_ended() -> None:
    found = limits(connections_per_principal=1)
    lease, other = found.connect(HERE), found.connect(HERE)

    lease.release()
    lease.release()
    lease.identify(ADA)

    assert found.connections == 1
    other.identify(ADA)


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["connect", "identify", "release"]),
        st.integers(0, 9),
        st.sampled_from([ADA, BOB, ANONYMOUS]),
        st.sampled_from([HERE, THERE]),
    ),
    max_size=200,
)


@given(DEEDS)
def test_counts_are_exact_and_nothing_is_left_when_all_have_gone(
    deeds: list[tuple[str, int, Principal, str]],
) -> None:
    found = limits(max_connections=6, connections_per_address=4, connections_per_principal=2)
    leases: list[tuple[Lease, str, str | None]] = []
    for deed, number, principal, address in deeds:
        place = number % len(leases) if leases else 0
        match deed:
            case "connect":
                count = sum(of == address for _, of, _ in leases)
                has_room = len(leases) < 6 and count < 4
                assert has_room == _connects(found, address, leases)
            case "identify" if leases:
                lease, of, was = leases[place]
                name = None if principal is ANONYMOUS else principal.name
                others = sum(each == name for _, _, each in leases)
                has_room = name in (None, was) or others < 2
                assert has_room == _identifies(lease, principal)
                leases[place] = (lease, of, name if has_room else was)
            case "release" if leases:
                lease, _, _ = leases.pop(place)
                lease.release()
        assert found.connections == len(leases)

    for lease, _, _ in leases:
        lease.release()

    assert found.connections == 0
    assert not found._of_address
    assert not found._of_principal


def _connects(found: Limits, address: str, leases: list[tuple[Lease, str, str | None]]) -> bool:
    try:
        leases.append((found.connect(address), address, None))
    except LimitReached:
        return False
    return True


def _identifies(lease: Lease, principal: Principal) -> bool:
    try:
        lease.identify(principal)
    except LimitReached:
        return False
    return True
