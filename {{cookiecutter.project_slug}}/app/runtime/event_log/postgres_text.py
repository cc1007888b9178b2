"""Text as Postgres takes it: a client's id may have a NUL, which Postgres has not."""

WITHOUT_NUL = str.maketrans({"\0": "\x1a0", "\x1a": "\x1a1"})


def without_nul(text: str) -> str:
    """The text, as it is stored and sent."""
    return text.translate(WITHOUT_NUL)


def with_nul(text: str) -> str:
    """The text as it was."""
    return text.replace("\x1a0", "\0").replace("\x1a1", "\x1a")
