"""The command line: `python -m app` serves, `python -m app --help` says what else there is."""

import sys

from app.cli import main

if __name__ == "__main__":
    sys.exit(main())
