"""`python -m app token`: a token for somebody."""

import argparse

from app.access.identity import TAKEN, fault_of_name
from app.access.tokens import make_token
from app.cli.reading import Commands, Refused, settings_of_a_command
from app.core.principal import Principal, Role

MOST_HOURS = 10 * 366 * 24


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "token",
        help="make a token",
        description="Prints a token that this service takes, signed with APP_JWT_SECRET. Whoever "
        "has it is that user: hand it over as you would a password.",
    )
    found.add_argument("user", metavar="USER", help="whose it is")
    found.add_argument(
        "--role",
        choices=[role.value for role in TAKEN],
        default=Role.CUSTOMER.value,
        help="what they may do (app/domain/policy.py); customer, if it is not said",
    )
    found.add_argument(
        "--hours", type=_hours, default=12.0, metavar="N", help="how long it is good; else 12"
    )
    found.set_defaults(run=run, deed="make a token")


def run(options: argparse.Namespace) -> int:
    """Print a token."""
    if fault := fault_of_name(options.user):
        raise Refused(fault)
    principal = Principal(options.user, Role(options.role))
    print(make_token(settings_of_a_command(), principal, options.hours * 3600))
    return 0


def _hours(text: str) -> float:
    """A number of hours, as it is said on the command line: ten years at most."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= MOST_HOURS:  # and so no NaN, either
        raise argparse.ArgumentTypeError(f"{text!r}: more than 0 hours, and {MOST_HOURS} at most")
    return hours
