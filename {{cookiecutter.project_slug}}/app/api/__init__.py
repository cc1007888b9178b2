"""Every HTTP route: a new feature adds its line."""

from fastapi import APIRouter

from app.api.commands import router as commands

# {%- if cookiecutter.starter == "blank" +%}
from app.api.counter import router as counter

# {%- endif +%}
from app.api.dashboard import router as dashboard
from app.api.health import router as health

# {%- if cookiecutter.starter != "blank" +%}
from app.api.inventory import router as inventory
from app.api.orders import router as orders

# {%- endif +%}
from app.api.snapshot import router as snapshot

router = APIRouter()
router.include_router(health)
router.include_router(dashboard)

v1 = APIRouter(prefix="/api/v1")
v1.include_router(commands)
v1.include_router(snapshot)
# {% if cookiecutter.starter == "blank" %}
v1.include_router(counter)
# {% endif %}
# {% if cookiecutter.starter != "blank" %}
v1.include_router(inventory)
v1.include_router(orders)
# {% endif %}
router.include_router(v1)
