"""`python -m app token`: a token for somebody."""

import argparse
from math import isfinite

from app.access.identity import TAKEN, fault_of_name
from app.access.tokens import make_token
from app.cli.reading import Commands, Refused
from app.core.principal import Principal, Role
from app.settings import read_settings


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "token",
        help="make a token",
        description="Prints a token that this service takes, signed with APP_JWT_SECRET. Whoever "
        "has it is that user: hand it over as you would a password.",
    )
    found.add_argument("user", metavar="USER", help="whose it is")
    found.add_argument("--role", choices=[*TAKEN], default=Role.CUSTOMER, type=Role)
    found.add_argument("--hours", type=_hours, default=12.0, help="how long it is good: 12")
    found.set_defaults(run=run, deed="make a token")


def run(options: argparse.Namespace) -> int:
    """Print a token."""
    if fault := fault_of_name(options.user):
        raise Refused(fault)
    principal = Principal(options.user, options.role)
    print(make_token(read_settings(), principal, options.hours * 3600))
    return 0


def _hours(text: str) -> float:
    hours = float(text)
    if not (isfinite(hours) and 0 < hours <= 24 * 3660):
        raise ValueError("more than none, and ten years at most")
    return hours
