"""What an operator may set of the rules: each field is a setting of the same name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """Read by reducers as `env.terms`; it bears on what is asked for from now on, never on replay.

    An event must not change the State by them: they may be others when the log is replayed.
    """

    # {%- if cookiecutter.starter != "blank" +%}

    order_expiry_seconds: int = 7 * 24 * 3600
    # {%- endif +%}
