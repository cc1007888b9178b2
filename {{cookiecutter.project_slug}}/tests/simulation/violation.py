"""What a simulation ends with when the service breaks a promise."""


class Violation(Exception):
    """Something that the service promises is not so."""


def require(claim: object, words: str) -> None:
    """Raise Violation unless it is so."""
    if not claim:
        raise Violation(words)
