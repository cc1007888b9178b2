"""Every HTTP route: a new feature adds its line."""

from fastapi import APIRouter

from app.api import (
    asyncapi,
    commands,
    dashboard,
    dead_letters,
    events,
    health,
    history,
    prometheus,
    snapshot,
)
from app.api.answers import REFUSALS

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

router = APIRouter()
router.include_router(health.router)
router.include_router(dashboard.router)
router.include_router(prometheus.router)
router.include_router(asyncapi.router)

v1 = APIRouter(responses=REFUSALS)
v1.include_router(commands.router)
v1.include_router(snapshot.router)
v1.include_router(events.router)
v1.include_router(dead_letters.router)
v1.include_router(history.router)
v1.include_router(revocations)
# {% if cookiecutter.starter == "blank" %}
v1.include_router(counter)
# {% endif %}
# {% if cookiecutter.starter != "blank" %}
v1.include_router(inventory)
v1.include_router(orders)
# {% endif %}
# {% if cookiecutter.starter == "showcase" %}
v1.include_router(chat)
v1.include_router(documents)
v1.include_router(jobs)
v1.include_router(notifications)
# {% endif %}
