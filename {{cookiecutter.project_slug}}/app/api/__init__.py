"""Every HTTP route: a new feature adds its line."""

from app.api import (
    asyncapi,
    commands,
    dashboard,
    dead_letters,
    health,
    history,
    prometheus,
    snapshot,
)

# {%- if cookiecutter.starter == "showcase" +%}
from app.api.chat import router as chat

# {%- endif +%}
# {%- if cookiecutter.starter == "blank" +%}
from app.api.counter import router as counter

# {%- endif +%}
# {%- if cookiecutter.starter == "showcase" +%}
from app.api.documents import router as documents

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.api.inventory import router as inventory

# {%- endif +%}
# {%- if cookiecutter.starter == "showcase" +%}
from app.api.jobs import router as jobs
from app.api.notifications import router as notifications

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.api.orders import router as orders

# {%- endif +%}
from app.api.revocations import router as revocations

# Those below /api/v1. For every request they are gone through in this order: what is asked for
# most comes first. The application includes each by itself, as routers within routers are gone
# through again and again.
V1 = (
    # one router a line
    # {% if cookiecutter.starter == "blank" %}
    counter,
    # {% endif %}
    # {% if cookiecutter.starter != "blank" %}
    orders,
    inventory,
    # {% endif %}
    # {% if cookiecutter.starter == "showcase" %}
    chat,
    documents,
    jobs,
    notifications,
    # {% endif %}
    commands.router,
    snapshot.router,
    history.router,
    dead_letters.router,
    revocations,
)

# All others.
ROUTERS = (health.router, dashboard.router, prometheus.router, asyncapi.router)
