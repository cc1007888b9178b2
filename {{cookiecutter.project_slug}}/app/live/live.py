"""The live connection as a whole: what every session has a part in."""

from typing import NamedTuple

from app.access.door import Door
from app.access.identity import Authenticator
from app.access.limits import Limits
from app.access.store import AppStore
from app.live.hub import Hub
from app.live.keepalive import Keepalive
from app.live.past import Past
from app.live.sessions import Sessions
from app.observe.metrics import Metrics
from app.settings import Settings


class Live(NamedTuple):
    """What all sessions share."""

    store: AppStore
    past: Past
    hub: Hub
    sessions: Sessions
    keepalive: Keepalive
    door: Door
    limits: Limits
    authenticator: Authenticator
    settings: Settings
    metrics: Metrics
