"""What the service does not start with, and what it says at the start."""

from pathlib import Path

import pytest

from app.access.start import require_safe
from app.core.rejected import StartRefused
from app.settings import Env
from tests.access.keys import SECRET, settings_of
from tests.service import Service

SHORT = "abcde"


def refusal(env: Env = Env.PRODUCTION, **values: str) -> str:
    settings = settings_of(env=env, **values)
    with pytest.raises(StartRefused) as refused:
        require_safe(settings)
    return str(refused.value)


def test_production_needs_a_key() -> None:
    assert "set APP_JWT_SECRET (make one with `openssl rand -hex 32`)" in refusal()


@pytest.mark.parametrize(
    "secret",
    ["0" * 64, "ab" * 32, "change-me-" * 4, "my-super-SECRET-key-of-the-shop-1234", "0123456" * 9],
)
def test_production_needs_a_secret_that_cannot_be_guessed(secret: str) -> None:
    said = refusal(jwt_secret=secret)

    assert "APP_JWT_SECRET can be guessed" in said
    assert secret not in said


def test_production_needs_to_know_whose_pages_may_speak() -> None:
    said = refusal(jwt_secret=SECRET, allowed_origins="https://app.example.com, *")

    assert "APP_ALLOWED_ORIGINS is *" in said


def test_every_problem_is_named() -> None:
    said = refusal(allowed_origins="*, nonsense")

    assert "APP_JWT_SECRET" in said
    assert "APP_ALLOWED_ORIGINS is *" in said
    assert "APP_ALLOWED_ORIGINS has 'nonsense'" in said


def test_what_is_no_key_or_origin_is_refused_in_development_too() -> None:
    said = refusal(Env.DEVELOPMENT, jwt_secret=SHORT, allowed_origins="nonsense")

    assert "has 5 bytes, and needs 32" in said
    assert "'nonsense'" in said


def test_with_a_good_secret_or_without_any_development_starts() -> None:
    require_safe(settings_of(env=Env.PRODUCTION, jwt_secret=SECRET))
    require_safe(settings_of())
    require_safe(settings_of(jwt_secret="x" * 32, allowed_origins="*"))


def test_the_process_says_why_it_does_not_start(tmp_path: Path) -> None:
    bad = Service(tmp_path, APP_ENV="production", APP_ALLOWED_ORIGINS="*")
    with pytest.raises(AssertionError) as refused:
        bad.start()

    assert "cannot start: production has to know who asks" in str(refused.value)
    assert "APP_ALLOWED_ORIGINS is *" in str(refused.value)
    assert "Traceback" not in str(refused.value)


@pytest.mark.slow
def test_the_service_says_when_whoever_reaches_it_is_an_operator(tmp_path: Path) -> None:
    words = []
    for settings in ({}, {"APP_JWT_SECRET": SECRET}):
        service = Service(tmp_path, APP_EVENT_LOG="memory://", **settings).start()
        service.kill()
        words.append(service.words())
        service.log.unlink()

    says = "whoever reaches this service is an operator"
    assert [says in said for said in words] == [True, False]
    assert SECRET not in words[1]
