"""Tokens: which are taken, for whom, and which settings they can be checked with."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from app.access.identity import (
    LEEWAY_SECONDS,
    VERIFIED_TOKENS,
    Authenticator,
    Identity,
    TokenRefused,
)
from app.access.tokens import is_guessable, make_token
from app.core.principal import Principal, Role
from app.core.rejected import StartRefused
from app.domain import State
from app.domain.revocation.state import Revocations
from tests.access.keys import OTHER, SECRET, bearer_claims, settings_of, signed

NOBODY_REVOKED = State()


def authenticator(**values: Any) -> Authenticator:
    return Authenticator(settings_of(**{"jwt_secret": SECRET} | values))


def pem(key: Any) -> str:
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found.decode()


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def test_a_token_says_who_and_until_when() -> None:
    now = int(time.time())
    token = signed(sub="alice", role="operator", iat=now, exp=now + 60)

    identity = authenticator().identify(token, NOBODY_REVOKED)

    assert identity == Identity(Principal("alice", Role.OPERATOR), float(now + 60), float(now))


def test_who_has_no_role_is_a_customer() -> None:
    identity = authenticator().identify(signed(role=None), NOBODY_REVOKED)

    assert identity.principal == Principal("alice", Role.CUSTOMER)


def test_a_token_that_has_expired_says_so_also_when_it_was_good_before() -> None:
    taken = authenticator()
    token = signed(exp=time.time() + 0.3)
    assert taken.identify(token, NOBODY_REVOKED).principal.name == "alice"

    refused = refusal(taken, token)

    assert refused.expired
    assert refused.message == "the token has expired"


def refusal(taken: Authenticator, token: str) -> TokenRefused:
    """Why the token is refused, as soon as it is."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            taken.identify(token, NOBODY_REVOKED)
        except TokenRefused as refused:
            return refused
    raise AssertionError("it is never refused")


def test_the_clock_of_whoever_issues_tokens_may_be_a_little_ahead() -> None:
    now = int(time.time())

    found = authenticator().identify(signed(iat=now + LEEWAY_SECONDS // 2), NOBODY_REVOKED)
    with pytest.raises(TokenRefused, match="not valid yet"):
        authenticator().identify(signed(iat=now + LEEWAY_SECONDS + 60), NOBODY_REVOKED)

    assert found.issued == now + LEEWAY_SECONDS // 2


def test_what_has_expired_and_is_not_signed_is_not_merely_expired() -> None:
    with pytest.raises(TokenRefused) as refused:
        authenticator().identify(signed(OTHER, exp=1), NOBODY_REVOKED)

    assert not refused.value.expired


def revoked(user: str, at: float) -> State:
    return State(revocation=Revocations().added(user, datetime.fromtimestamp(at, UTC)))


def test_a_token_of_before_the_revocation_is_refused_and_a_later_one_is_good() -> None:
    now, taken = int(time.time()), authenticator()
    state = revoked("alice", now - 10 + 0.9)

    for issued in (now - 100, now - 10, None):
        token = signed(iat=issued)
        assert taken.identify(token, NOBODY_REVOKED)
        with pytest.raises(TokenRefused, match="revoked") as refused:
            taken.identify(token, state)
        assert not refused.value.expired
    assert taken.identify(signed(iat=now - 9), state)
    assert taken.identify(signed(sub="bob", iat=now - 100), state)


def test_no_more_tokens_are_remembered_than_there_is_room_for() -> None:
    taken = authenticator()

    for number in range(VERIFIED_TOKENS + 10):
        taken.identify(signed(sub=f"user-{number}"), NOBODY_REVOKED)

    assert len(taken._verified) == VERIFIED_TOKENS


def test_a_public_key_takes_the_tokens_of_its_private_key(
    rsa_key: rsa.RSAPrivateKey, ec_key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    private: Any
    for private, algorithm in ((rsa_key, "RS256"), (ec_key, "ES256")):
        file = tmp_path / algorithm
        file.write_text(pem(private))
        token = jwt.encode(bearer_claims(), private, algorithm)

        for value in (pem(private), pem(private).replace("\n", "\\n"), str(file)):
            taken = authenticator(jwt_secret="", jwt_public_key=value)
            assert taken.identify(token, NOBODY_REVOKED).principal.name == "alice"
            for wrong in (signed(), unsigned(), hmac_with(pem(private))):
                with pytest.raises(TokenRefused, match="signed in a way"):
                    taken.identify(wrong, NOBODY_REVOKED)


def test_a_token_of_another_key_pair_is_refused(ec_key: ec.EllipticCurvePrivateKey) -> None:
    another = ec.generate_private_key(ec.SECP256R1())
    taken = authenticator(jwt_secret="", jwt_public_key=pem(ec_key))

    with pytest.raises(TokenRefused, match="not signed with the key"):
        taken.identify(jwt.encode(bearer_claims(), another, "ES256"), NOBODY_REVOKED)


def unsigned() -> str:
    return jwt.encode(bearer_claims(), "", "none")


def hmac_with(public_key: str) -> str:
    """A token for whose signature the public key was taken as a secret, as an attacker would."""
    signing_input = signed().rsplit(".", 1)[0]
    digest = hmac.new(public_key.encode(), signing_input.encode(), sha256).digest()
    return f"{signing_input}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_audience_and_issuer_are_checked_when_they_are_set() -> None:
    meant = authenticator(jwt_audience="shop", jwt_issuer="login")

    assert meant.identify(signed(aud=["shop", "x"], iss="login"), NOBODY_REVOKED)
    for claims, words in (
        ({"aud": "other", "iss": "login"}, "another audience"),
        ({"aud": "shop", "iss": "other"}, "another issuer"),
        ({"iss": "login"}, "does not say 'aud'"),
        ({"aud": "shop"}, "does not say 'iss'"),
    ):
        with pytest.raises(TokenRefused, match=words):
            meant.identify(signed(**claims), NOBODY_REVOKED)


def test_a_token_that_is_made_is_taken() -> None:
    for values in ({}, {"jwt_audience": "shop", "jwt_issuer": "login"}):
        token = make_token(
            settings_of(jwt_secret=SECRET, **values), Principal("a", Role.OPERATOR), 60
        )

        identity = authenticator(**values).identify(token, NOBODY_REVOKED)

        assert identity.principal == Principal("a", Role.OPERATOR)
        assert identity.expires is not None
        assert 50 < identity.expires - time.time() <= 60


@pytest.mark.parametrize("claim", ["exp", "iat"])
def test_yes_is_no_time(claim: str) -> None:
    claims: dict[str, Any] = {claim: True}

    with pytest.raises(TokenRefused, match=f"the token's {claim} is not a time in seconds"):
        authenticator().identify(signed(**claims), NOBODY_REVOKED)


@given(st.text(st.characters()) | st.text("eyJ0.-_=%{}", max_size=40))
def test_whatever_is_no_token_is_refused_in_words(text: str) -> None:
    with pytest.raises(TokenRefused):
        authenticator().identify(text, NOBODY_REVOKED)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "zip", "cty", "x5u"])


@pytest.mark.slow
@given(st.dictionaries(NAMES, JSON), st.sampled_from(["HS256", "none", "ES256", None]))
def test_a_header_can_say_whatever_it_likes(header: dict[str, Any], algorithm: str | None) -> None:
    said = header if algorithm is None else {**header, "alg": algorithm}
    parts = [urlsafe_b64encode(json.dumps(part).encode()) for part in (said, bearer_claims())]
    token = b".".join([*parts, b"AAAA"]).decode().replace("=", "")

    with pytest.raises(TokenRefused):
        authenticator().identify(token, NOBODY_REVOKED)


@pytest.mark.slow
@given(st.dictionaries(st.sampled_from(["sub", "exp", "iat", "nbf", "role", "aud"]), JSON))
def test_claims_that_are_signed_can_be_of_any_kind(claims: dict[str, Any]) -> None:
    text = json.dumps(bearer_claims() | claims).encode()
    token = jwt.api_jws.encode(text, SECRET, "HS256")

    try:
        identity = authenticator().identify(token, NOBODY_REVOKED)
    except TokenRefused:
        return
    assert 0 < len(identity.principal.name) <= 64
    assert identity.principal.role in (Role.CUSTOMER, Role.OPERATOR)
    assert identity.expires is not None


def test_without_a_key_every_token_is_refused() -> None:
    with pytest.raises(TokenRefused, match="no key"):
        authenticator(jwt_secret="").identify(signed(), NOBODY_REVOKED)


def private_pem(key: Any) -> str:
    found: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return found.decode()


WRONG_KEYS: dict[str, tuple[Callable[[], dict[str, str]], str]] = {
    "a short secret": (lambda: {"jwt_secret": "x" * 31}, "has 31 bytes, and needs 32"),
    "both": (lambda: {"jwt_secret": SECRET, "jwt_public_key": "k"}, "are both set"),
    "no file": (lambda: {"jwt_public_key": "/nowhere/key.pem"}, "nor a file that can be read"),
    "a folder": (lambda: {"jwt_public_key": "/"}, "nor a file that can be read"),
    "no PEM": (lambda: {"jwt_public_key": "-----BEGIN PUBLIC KEY-----"}, "is no public key"),
    "a private key": (
        lambda: {"jwt_public_key": private_pem(ec.generate_private_key(ec.SECP256R1()))},
        "is a private key",
    ),
    "another curve": (
        lambda: {"jwt_public_key": pem(ec.generate_private_key(ec.SECP384R1()))},
        "kind that is not used",
    ),
    "another kind": (
        lambda: {"jwt_public_key": pem(ed25519.Ed25519PrivateKey.generate())},
        "kind that is not used",
    ),
    "short RSA": (
        lambda: {"jwt_public_key": pem(rsa.generate_private_key(65537, 1024))},  # noqa: S505 - so
        "kind that is not used",
    ),
    "PEM as a secret": (
        lambda: {"jwt_secret": pem(ec.generate_private_key(ec.SECP256R1()))},
        "APP_JWT_SECRET is a PEM key",
    ),
}


@pytest.mark.parametrize("what", WRONG_KEYS)
def test_what_is_no_key_is_refused_in_words_that_do_not_repeat_it(what: str) -> None:
    values, words = WRONG_KEYS[what]
    chosen = values()

    with pytest.raises(StartRefused, match=words) as refused:
        Authenticator(settings_of(**chosen))

    assert "MIGH" not in str(refused.value)
    assert "xxx" not in str(refused.value)


def test_a_secret_that_chance_has_not_made_can_be_guessed() -> None:
    for secret in ("a" * 64, "abcdefgh" * 8, "change-me-change-me-please-now-ok", "ab" * 40):
        assert is_guessable(secret)
    for secret in (SECRET, OTHER, "Zk3_x9QpL0-vN2mRtYwB7cHdJfGsAeUi"):
        assert not is_guessable(secret)
