"""Every HTTP route: a new feature adds its line."""

from fastapi import APIRouter

from app.api import commands, dashboard, health, snapshot

# {%- if cookiecutter.starter == "blank" +%}
from app.api import counter

# {%- endif +%}
# {%- if cookiecutter.starter != "blank" +%}
from app.api import inventory, orders
# {%- endif +%}

router = APIRouter()
router.include_router(health.router)
router.include_router(dashboard.router)

v1 = APIRouter(prefix="/api/v1")
v1.include_router(commands.router)
v1.include_router(snapshot.router)
# {% if cookiecutter.starter == "blank" %}
v1.include_router(counter.router)
# {% endif %}
# {% if cookiecutter.starter != "blank" %}
v1.include_router(inventory.router)
v1.include_router(orders.router)
# {% endif %}
router.include_router(v1)
