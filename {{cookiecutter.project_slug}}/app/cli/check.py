"""`python -m app check`: what the log says of an edited domain, before that is deployed."""

import argparse

from app.bootstrap import rules
from app.cli.reading import Commands, reading, settings_of_a_command, with_progress
from app.cli.report import Report
from app.runtime.check import Check

COULD_NOT = 2


def add_to(commands: Commands) -> None:
    """Let it be said on the command line."""
    found = commands.add_parser(
        "check",
        help="hold the code against the log",
        description="Reads the whole log by the code as it is now, and prints what it cannot read, "
        "what in the State comes out otherwise than in the snapshot of the log, and which "
        "commands of the past would be decided differently. Run it with the settings of the "
        "service. The service may be running.",
        epilog="exit status: 0 nothing differs, 1 something differs, 2 it could not be checked",
    )
    found.add_argument("--json", action="store_true", help="print one JSON object")
    found.set_defaults(run=run, deed="check", refused=COULD_NOT)


def run(options: argparse.Namespace) -> int:
    """Print the differences; 1 if there are any."""
    settings = settings_of_a_command()
    with reading(settings.event_log) as event_log:
        snapshot = event_log.snapshot()
        check = Check(rules(settings), snapshot)
        at = None if snapshot is None else snapshot.position
        report = Report(settings.shown_event_log, event_log.epoch, at)
        for difference in check.differences(report.counted(with_progress(event_log.entries()))):
            report.add(difference)
    report.unsure_after = check.unsure_after
    print(report.as_json() if options.json else report.as_text())
    return 1 if report.differs else 0
