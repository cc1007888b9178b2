"""Makes a text fit for a terminal, whoever wrote it: for log lines and for the command line."""

import json


def printable(text: str) -> str:
    """The text in one line, without what a terminal would obey: that stands as JSON writes it.

    So what was JSON still is, and says the same.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in text)


def printable_lines(text: str) -> str:
    """The same of several lines."""
    return "\n".join(map(printable, text.split("\n")))
