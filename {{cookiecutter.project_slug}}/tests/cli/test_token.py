"""`python -m app token` makes tokens that the service takes."""

from pathlib import Path

import pytest

from app.access.identity import Authenticator
from app.cli import main
from app.core.principal import Principal, Role
from app.domain import State
from app.settings import Settings
from tests.access.keys import SECRET


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but the test's."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"APP_{name.upper()}", raising=False)


def test_a_token_is_printed_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APP_JWT_SECRET", SECRET)

    status = main(["token", "alice", "--role", "operator", "--hours", "2"])

    token = capsys.readouterr().out
    identity = Authenticator(Settings()).identify(token.removesuffix("\n"), State())
    assert status == 0
    assert identity.principal == Principal("alice", Role.OPERATOR)
    assert identity.expires is not None
    assert identity.issued is not None
    assert identity.expires - identity.issued == 2 * 3600


def test_without_a_role_it_is_a_customers_for_half_a_day(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("APP_JWT_SECRET", SECRET)

    main(["token", "alice"])

    identity = Authenticator(Settings()).identify(capsys.readouterr().out.strip(), State())
    assert identity.principal.role is Role.CUSTOMER
    assert (identity.expires or 0) - (identity.issued or 0) == 12 * 3600


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("alice", {}, "APP_JWT_SECRET is not set"),
        ("alice", {"APP_JWT_SECRET": "short"}, "needs 32 at least"),
        ("alice", {"APP_JWT_PUBLIC_KEY": "PUBLIC"}, "a public key only checks them"),
        ("", {"APP_JWT_SECRET": SECRET}, "1 to 64 printable characters"),
        ("x" * 65, {"APP_JWT_SECRET": SECRET}, "1 to 64 printable characters"),
        ("system", {"APP_JWT_SECRET": SECRET}, "name of the service's own"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    settings: dict[str, str],
    words: str,
) -> None:
    for variable, value in settings.items():
        monkeypatch.setenv(variable, PUBLIC if value == "PUBLIC" else value)

    status = main(["token", name])

    said = capsys.readouterr()
    assert status != 0
    assert said.out == ""
    assert said.err.startswith("cannot make a token: ")
    assert words in said.err


@pytest.mark.parametrize("hours", ["0", "-1", "nan", "inf", "100000", "soon"])
def test_a_token_is_good_for_some_time_and_not_for_ever(hours: str) -> None:
    with pytest.raises(SystemExit):
        main(["token", "alice", "--hours", hours])


PUBLIC = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----"""
