"""Who may see how the service does; `tests/policy/table.py` says how to read this."""

from collections.abc import Mapping

from tests.policy.people import World
from tests.policy.table import Tries, Try

COMMANDS = """
                   nobody   ada      bob      olga     system
    ReportMetrics  invalid  invalid  invalid  invalid  done
"""

TOPICS = """
             nobody  ada   bob   olga
    metrics  none    none  none  all
"""

EVENTS = """
                    topic
    MetricsUpdated  metrics
"""

MEASURED = {"active_users": 1, "requests_per_second": 2.5, "error_rate": 0.0}
SETTINGS = {"APP_METRICS_SECONDS": "0.1"}

TRIES: Tries = {"ReportMetrics": lambda world: Try({"ReportMetrics": MEASURED})}


def story(world: World) -> Mapping[str, str]:
    """It is told once in a while, by itself."""
    return {"text": "active_users"}
