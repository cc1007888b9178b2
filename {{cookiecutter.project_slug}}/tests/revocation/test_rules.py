"""The rules of revocation."""

from datetime import timedelta

from app.core.principal import Principal, Role
from app.domain.policy import may_hear, may_send
from app.domain.revocation.actions import RevokeTokens, TokensRevoked
from app.domain.revocation.state import Revocation, view
from tests.scenario import NOW, given

EARLIER = NOW - timedelta(days=1)
OPERATOR = Principal("olga", Role.OPERATOR)
SECOND = NOW.timestamp()


def test_a_users_tokens_are_revoked_now() -> None:
    given().when(RevokeTokens("alice")).then(TokensRevoked("alice", NOW))


def test_they_can_be_revoked_again_and_the_last_time_counts() -> None:
    once = given(TokensRevoked("alice", EARLIER))

    once.when(RevokeTokens("alice")).then(TokensRevoked("alice", NOW))
    twice = given(TokensRevoked("alice", EARLIER), TokensRevoked("alice", NOW)).state.revocation
    assert twice.all() == [Revocation("alice", NOW)]


def test_what_was_issued_up_to_that_second_is_revoked_and_what_came_later_is_not() -> None:
    revocation = given(TokensRevoked("alice", NOW + timedelta(milliseconds=700))).state.revocation

    assert revocation.revokes("alice", SECOND - 1000)
    assert revocation.revokes("alice", SECOND)
    assert revocation.revokes("alice", SECOND + 0.9)
    assert not revocation.revokes("alice", SECOND + 1)


def test_a_token_that_does_not_say_when_it_was_issued_is_revoked_too() -> None:
    assert given(TokensRevoked("alice", NOW)).state.revocation.revokes("alice", None)


def test_nobody_elses_tokens_are_revoked() -> None:
    revocation = given(TokensRevoked("alice", NOW)).state.revocation

    assert not revocation.revokes("bob", SECOND - 1000)
    assert not revocation.revokes("bob", None)


def test_only_an_operator_revokes_and_hears_of_it() -> None:
    state = given().state

    assert may_send(OPERATOR, RevokeTokens("alice"), state)
    assert may_hear(OPERATOR, "revocation")
    for role in set(Role) - {Role.OPERATOR}:
        other = Principal("alice", role)
        assert not may_send(other, RevokeTokens("alice"), state)
        assert not may_hear(other, "revocation")


def test_an_operator_starts_from_all_of_them_by_name() -> None:
    state = given(TokensRevoked("bob", EARLIER), TokensRevoked("alice", NOW)).state

    assert view(state.revocation, OPERATOR) == [
        Revocation("alice", NOW),
        Revocation("bob", EARLIER),
    ]
