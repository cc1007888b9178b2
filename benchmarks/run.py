"""Runs the measurements: `python3 dev.py bench`, or this file with the tests' interpreter."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ROOT / ("{" * 2 + "cookiecutter.project_slug" + "}" * 2)


def main() -> int:
    """Hand everything to `python -m benchmarks`, which finds the service on its path."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("APP_")}
    path = os.pathsep.join([str(ROOT), str(PRODUCT)])
    command = [sys.executable, "-m", "benchmarks", *sys.argv[1:]]
    return subprocess.run(command, env={**clean, "PYTHONPATH": path}).returncode


if __name__ == "__main__":
    sys.exit(main())
