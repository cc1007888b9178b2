"""JSON Web Tokens (RFC 7519): the key that they are checked with, and how one is made."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from app.core.principal import Principal
from app.core.rejected import StartRefused
from app.settings import Env, Settings

SECRET_BYTES = 32  # as long as the hash, at least (RFC 7518, 3.2)
RSA_BITS = 2048  # RFC 7518, 3.3
DIFFERENT_BYTES = 8
PLACEHOLDERS = (
    "change", "default", "example", "insecure", "letmein", "password", "placeholder", "qwerty",
    "replace", "secret", "your-", "your_",
)  # fmt: skip
MAKE_ONE = "make one with `openssl rand -hex 32`"

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Key:
    """A key and its one algorithm: a token has no say in how it is checked (RFC 8725, 3.1)."""

    algorithm: str
    material: str | PublicKey


def key_of(settings: Settings) -> Key | None:
    """What tokens are checked with, if anything; raises StartRefused for what is no such key."""
    secret = settings.jwt_secret.get_secret_value()
    if secret and settings.jwt_public_key:
        raise StartRefused(
            "APP_JWT_SECRET and APP_JWT_PUBLIC_KEY are both set: tokens are checked with one key, "
            "so unset the other"
        )
    if secret:
        return Key("HS256", _long_enough(secret))
    if settings.jwt_public_key:
        return _public_key(settings.jwt_public_key)
    return None


def problems(settings: Settings) -> Iterator[str]:
    """Everything that keeps the service from checking tokens as safely as it has to, in words."""
    is_production = settings.env is Env.PRODUCTION
    try:
        key = key_of(settings)
    except StartRefused as refusal:
        yield str(refusal)
        return
    if key is None and is_production:
        yield (
            "production has to know who asks, and no key is set to check tokens with: set "
            f"APP_JWT_SECRET ({MAKE_ONE}), or APP_JWT_PUBLIC_KEY to the key of whoever issues them"
        )
    if key and isinstance(key.material, str) and is_production and is_guessable(key.material):
        yield f"APP_JWT_SECRET can be guessed: {MAKE_ONE}"


def is_guessable(secret: str) -> bool:
    """Whether it looks like a placeholder, or repeats itself: no chance has made it."""
    return (
        len(set(secret)) < DIFFERENT_BYTES
        or secret in (secret + secret)[1:-1]  # the same part again and again
        or any(word in secret.lower() for word in PLACEHOLDERS)
    )


def make_token(settings: Settings, principal: Principal, seconds: float) -> str:
    """A token for this principal, good for so long; raises StartRefused without a secret."""
    key = key_of(settings)
    if key is None or not isinstance(key.material, str):
        missing = "APP_JWT_SECRET is not set" if key is None else "a public key only checks them"
        raise StartRefused(
            f"{missing}, and tokens are made with a secret: set APP_JWT_SECRET to that of the "
            f"service, or {MAKE_ONE} for both"
        )
    now = int(time.time())
    claims: dict[str, object] = {
        "sub": principal.name,
        "role": principal.role,
        "iat": now,
        "exp": int(now + seconds),
    }
    if settings.jwt_audience:
        claims["aud"] = settings.jwt_audience
    if settings.jwt_issuer:
        claims["iss"] = settings.jwt_issuer
    return jwt.encode(claims, key.material, algorithm=key.algorithm)


def _long_enough(secret: str) -> str:
    size = len(secret.encode())
    if secret.lstrip().startswith("-----BEGIN"):
        raise StartRefused("APP_JWT_SECRET is a PEM key: a public one goes to APP_JWT_PUBLIC_KEY")
    if size < SECRET_BYTES:
        raise StartRefused(
            f"APP_JWT_SECRET has {size} bytes, and needs {SECRET_BYTES} at least: {MAKE_ONE}"
        )
    return secret


def _public_key(value: str) -> Key:
    r"""The key of a PEM text, in which `\n` may stand for the end of a line, or of a file."""
    pem = value.strip().replace("\\n", "\n")
    if not pem.startswith("-----BEGIN"):
        try:
            pem = Path(value).read_text().strip()
        except (OSError, UnicodeDecodeError, ValueError):
            raise StartRefused(
                f"APP_JWT_PUBLIC_KEY is {value[:80]!r}: neither PEM text, which begins with "
                "-----BEGIN PUBLIC KEY-----, nor a file that can be read"
            ) from None
    if "PRIVATE KEY" in pem:
        raise StartRefused(
            "APP_JWT_PUBLIC_KEY is a private key, which this service must not have: give it what "
            "`openssl pkey -pubout` makes of it"
        )
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise StartRefused(
            "APP_JWT_PUBLIC_KEY is no public key in PEM; of a certificate, give the key that "
            "`openssl x509 -pubkey -noout` takes from it"
        ) from None
    if isinstance(key, RSAPublicKey) and key.key_size >= RSA_BITS:
        return Key("RS256", key)
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return Key("ES256", key)
    raise StartRefused(
        f"APP_JWT_PUBLIC_KEY is of a kind that is not used here: take RSA of {RSA_BITS} bits at "
        "least (RS256), or elliptic curve P-256 (ES256)"
    )
