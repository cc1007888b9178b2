"""The command line: `python -m app` serves, `python -m app --help` says what else there is."""

import gc
import signal
import sys
import traceback
from pathlib import Path
from types import FrameType
from typing import NoReturn

CODE = Path(__file__).parent
COULD_NOT = 2  # 1 would say to whoever asked for a check that something differs


def main() -> int:
    """Do what the command line says; the exit status."""
    signal.signal(signal.SIGTERM, stop)
    gc.disable()  # nothing that is imported is garbage, and to look for it takes long
    try:
        from app.cli import main as command_line
    except Exception as fault:  # of any kind: whatever was edited is read for the first time here
        sys.stderr.write(f"the code cannot be imported: {where_and_what(fault)}\n{advice(fault)}")
        return COULD_NOT
    finally:
        gc.enable()
    return command_line()


def stop(sign: int, frame: FrameType | None) -> NoReturn:
    """End with the status that a shell reports of whom the signal has ended.

    To a process that is the first of its container the kernel gives no signal that it does not
    handle (pid_namespaces(7)), and it would be waited for until it is killed.
    """
    sys.exit(128 + sign)


def where_and_what(fault: Exception) -> str:
    """The last line of ours that it went through, unless the fault names it, and what it says."""
    what = "".join(traceback.format_exception_only(fault)).strip()
    frames = traceback.extract_tb(fault.__traceback__)
    ours = [frame for frame in frames if CODE in Path(frame.filename).parents]
    if isinstance(fault, SyntaxError) or not ours:
        return what
    return f"{ours[-1].filename}, line {ours[-1].lineno}\n{what}"


def advice(fault: Exception) -> str:
    """What to do when it is a package that is missing, and not a file of ours."""
    if not isinstance(fault, ModuleNotFoundError) or (fault.name or "").split(".")[0] == "app":
        return ""
    return "run `uv sync` first, and `uv run` before the command\n"


if __name__ == "__main__":
    sys.exit(main())
