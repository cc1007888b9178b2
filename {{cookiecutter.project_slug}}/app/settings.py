"""The settings, each a variable of the environment with the prefix APP_, or a line of `.env`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le, MinLen
from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.core.rejected import StartRefused

PREFIX = "APP_"
FILE = ".env"
MOST_WORKERS = 256


class Env(StrEnum):
    """Where the service runs. In development, without a key, everybody is an operator."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class LogLevel(StrEnum):
    """The least that is worth a line."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Settings(BaseSettings):
    """What can be set without touching the code; `.env.example` lists it all."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_file=FILE, extra="ignore")

    env: Env = Env.DEVELOPMENT
    host: Annotated[str, MinLen(1)] = "127.0.0.1"  # an empty one would be every address
    port: Annotated[int, Ge(0), Le(65535)] = 3000
    workers: Annotated[int, Ge(1), Le(MOST_WORKERS)] = 1
    event_log: str = "sqlite:///data/events.db"
    log_level: LogLevel = LogLevel.INFO
    traces_endpoint: str = ""
    jwt_secret: SecretStr = SecretStr("")
    jwt_public_key: str = ""
    jwt_audience: str = ""
    jwt_issuer: str = ""
    allowed_origins: str = ""
    trusted_proxies: str = ""
    commands_per_second: Annotated[float, Ge(0.001), Le(1_000_000_000)] = 20
    command_burst: Annotated[int, Ge(1), Le(1_000_000_000)] = 40
    read_bytes_per_second: Annotated[int, Ge(64 * 1024), Le(1_000_000_000_000)] = 8 * 1024 * 1024
    max_connections: Annotated[int, Ge(1)] = 20_000
    connections_per_address: Annotated[int, Ge(1)] = 100
    connections_per_principal: Annotated[int, Ge(1)] = 10
    max_message_bytes: Annotated[int, Ge(1024)] = 64 * 1024
    send_buffer_bytes: Annotated[int, Ge(64 * 1024)] = 1024 * 1024
    ping_seconds: Annotated[int, Ge(1), Le(3600)] = 20
    flush_milliseconds: Annotated[int, Ge(0), Le(1000)] = 0
    ring_events: Annotated[int, Ge(1)] = 1024
    resume_events: Annotated[int, Ge(0)] = 100_000
    deflate: bool = False
    drain_seconds: Annotated[int, Ge(0)] = 10
    idempotency_hours: Annotated[int, Ge(1)] = 24
    # {% if cookiecutter.starter == "showcase" %}
    metrics_seconds: Annotated[float, Ge(0.1)] = 1.0
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    order_expiry_seconds: Annotated[int, Ge(1)] = 7 * 24 * 3600
    # {% endif %}

    @property
    def shown_event_log(self) -> str:
        """`event_log` for people and log lines: of a server without user, password and options."""
        scheme, mark, rest = self.event_log.partition("://")
        if scheme in ("memory", "sqlite"):
            return self.event_log
        network, slash, path = rest.partition("/")  # an @ after it is one of the options
        shown = f"{network.rpartition('@')[2]}{slash}{path}"
        return f"{scheme}{mark}{shown.partition('?')[0]}"

    @property
    def is_open(self) -> bool:
        """Whether whoever reaches the service is an operator: in development, without a key."""
        return self.env is Env.DEVELOPMENT and not (self.jwt_secret or self.jwt_public_key)


def read_settings() -> Settings:
    """The settings of this process; raises StartRefused, which names every one that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        problems = [_problem(problem) for problem in error.errors()]
        lines = problems if len(problems) == 1 else ["these settings are wrong:", *problems]
        raise StartRefused("\n  ".join(lines)) from None
    except UnicodeDecodeError as problem:
        at = f"{problem.reason} at byte {problem.start}"
        raise StartRefused(
            f"{Path(FILE).absolute()} cannot be read: {at}; write it in UTF-8"
        ) from None
    except OSError as problem:
        raise StartRefused(f"{Path(FILE).absolute()} cannot be read: {problem.strerror}") from None


def unknown_settings() -> list[str]:
    """Variables with our prefix that name no setting: a slip of the pen, most likely."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    given = os.environ.keys() | dotenv_values(FILE).keys()
    return sorted(
        name for name in given if name.upper().startswith(PREFIX) and name.upper() not in known
    )


def _problem(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 - pydantic's ErrorDetails
    name = str(problem["loc"][0])
    default = Settings.model_fields[name].default
    written = str(default).lower() if isinstance(default, bool) else default
    example = f"{PREFIX}{name.upper()}={written}"
    return (
        f"{PREFIX}{name.upper()} is {problem['input']!r}: {problem['msg']}; for example {example}"
    )
