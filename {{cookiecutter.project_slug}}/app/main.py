"""The application object, for any ASGI server: `uvicorn app.main:app`."""

from app.bootstrap import create_app
from app.settings import read_settings

app = create_app(read_settings())
