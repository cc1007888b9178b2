"""The application object, for any ASGI server: `uvicorn app.main:app`."""

from app.access.start import warn_of
from app.bootstrap import create_app
from app.observe.logs import configure_logs
from app.settings import Env, read_settings

settings = read_settings()
configure_logs(settings.log_level, as_json=settings.env is Env.PRODUCTION)
app = create_app(settings)
warn_of(settings)
