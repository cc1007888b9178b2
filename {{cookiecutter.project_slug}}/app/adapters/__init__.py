"""What is behind each port: the one place to exchange it."""

from app.core.ports import Ports


def open_ports() -> Ports:
    """The world outside, as this service uses it."""
    # {% if cookiecutter.starter == "showcase" %}
    from app.adapters.mail import LogMail
    from app.adapters.work import SimulatedWork

    # {% endif %}
    return Ports(
        # one port a line
        # {% if cookiecutter.starter == "showcase" %}
        mail=LogMail(),
        work=SimulatedWork(),
        # {% endif %}
    )
