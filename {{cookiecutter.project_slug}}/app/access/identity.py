"""Who somebody is, according to a token, and for how long."""

import time
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import jwt

from app.access.tokens import key_of
from app.core.principal import SYSTEM, Principal, Role
from app.core.rejected import Code, Rejected
from app.domain import State
from app.settings import Settings

NAME_CHARACTERS = 64
TOKEN_CHARACTERS = 8192
LEEWAY_SECONDS = 10  # what the clock of whoever issues tokens may be ahead of ours
VERIFIED_TOKENS = 4096  # half a KiB each
UNREADABLE = "this is no valid token"

ANONYMOUS = Principal("anonymous", Role.ANONYMOUS)
RESERVED = (SYSTEM.name, ANONYMOUS.name)
TAKEN = (Role.CUSTOMER, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is; until when, and since when, in seconds since 1970.

    `expires` is None for somebody who needs no token, `issued` for a token that does not tell.
    """

    principal: Principal
    expires: float | None = None
    issued: float | None = None


class TokenRefused(Exception):
    """A token that counts for nothing; the message is for the client.

    `expired` says that it was good once: a new one may be had where it came from.
    """

    def __init__(self, message: str, *, expired: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.expired = expired


class InvalidToken(Rejected):
    """The refusal of a request for the sake of its token."""

    def __init__(self, message: str) -> None:
        super().__init__(Code.UNAUTHENTICATED, message)


class Authenticator:
    """Tells who a token speaks of, by the one key of the settings."""

    def __init__(self, settings: Settings) -> None:
        """Raises StartRefused when the settings have something that is no key."""
        self._key = key_of(settings)
        self._audience = settings.jwt_audience or None
        self._issuer = settings.jwt_issuer or None
        # By digest, oldest first: a signature by elliptic curve takes 100 µs to check.
        self._verified: dict[bytes, Identity] = {}

    def identify(self, token: str, state: State) -> Identity:
        """Who it speaks of; raises TokenRefused unless the token is good now, in this State."""
        digest = blake2b(token.encode("utf-8", "replace"), digest_size=32).digest()
        identity = self._verified.get(digest)
        if identity is None:
            identity = self._identity(token)
            self._remember(digest, identity)
        if identity.expires is not None and identity.expires <= time.time():
            raise TokenRefused("the token has expired", expired=True)
        if is_revoked(identity, state):
            raise TokenRefused("the token is revoked")
        return identity

    def _remember(self, digest: bytes, identity: Identity) -> None:
        if len(self._verified) >= VERIFIED_TOKENS:
            del self._verified[next(iter(self._verified))]
        self._verified[digest] = identity

    def _identity(self, token: str) -> Identity:
        """What a token says that has our issuer's signature, whether it has expired or not."""
        claims = self._claims(token)
        return Identity(
            Principal(_name(claims["sub"]), _role(claims.get("role", Role.CUSTOMER))),
            expires=_seconds("exp", claims["exp"]),
            issued=_seconds("iat", claims["iat"]) if "iat" in claims else None,
        )

    def _claims(self, token: str) -> dict[str, Any]:
        if self._key is None:
            raise TokenRefused("this service has no key to check tokens with")
        if len(token) > TOKEN_CHARACTERS:
            raise TokenRefused(f"the token has more than {TOKEN_CHARACTERS} characters")
        if not token.isascii():
            raise TokenRefused(UNREADABLE)
        try:
            return jwt.decode(
                token,
                self._key.material,
                algorithms=[self._key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                # The time of its end is compared every time the token is used.
                options={"require": ["sub", "exp"], "verify_exp": False},
            )
        except jwt.PyJWTError as problem:
            raise TokenRefused(_words(problem)) from None


def is_revoked(identity: Identity, state: State) -> bool:
    """Whether the identity is from a token, and its user's tokens of that time are revoked."""
    return identity.expires is not None and state.revocation.revokes(
        identity.principal.name, identity.issued
    )


def fault_of_name(name: object) -> str | None:
    """What is wrong with a principal's name, if anything."""
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS or not name.isprintable():
        return f"a user's name has 1 to {NAME_CHARACTERS} printable characters"
    if name in RESERVED:
        return f"'{name}' is a name of the service's own"
    return None


def _name(sub: Any) -> str:
    if fault := fault_of_name(sub):
        raise TokenRefused(f"the token's subject is no user: {fault}")
    return str(sub)


def _role(role: object) -> Role:
    if role not in TAKEN:
        raise TokenRefused(f"the token's role is not {' or '.join(TAKEN)}")
    return Role(str(role))


def _seconds(claim: str, value: object) -> float:
    """A NumericDate (RFC 7519, 2)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
        raise TokenRefused(f"the token's {claim} is not a time in seconds")
    return float(value)


def _words(problem: jwt.PyJWTError) -> str:
    """What is wrong with a token, for the client: nothing of what the token says is repeated."""
    match problem:
        case jwt.MissingRequiredClaimError():
            return f"the token does not say '{problem.claim}'"
        case jwt.ImmatureSignatureError():
            return "the token is not valid yet"
        case jwt.InvalidAudienceError():
            return "the token is for another audience"
        case jwt.InvalidIssuerError():
            return "the token is from another issuer"
        case jwt.InvalidAlgorithmError():
            return "the token is signed in a way that is not used here"
        case jwt.InvalidSignatureError():
            return "the token is not signed with the key of this service"
    return UNREADABLE
