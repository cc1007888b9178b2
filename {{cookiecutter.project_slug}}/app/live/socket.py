"""The one WebSocket route: commands come in, events go out."""

from fastapi import APIRouter, Response, WebSocket

from app.access.address import address_of
from app.access.identity import ANONYMOUS, Identity
from app.access.limits import Lease
from app.access.origin import require_allowed_origin
from app.access.principal import identity_of_handshake, subprotocol_of
from app.access.subscription import asked_by, audience
from app.core.rejected import Code, Rejected
from app.live.admission import admit, identified
from app.live.asgi import AsgiConnection
from app.live.closing import Goodbye
from app.live.context import InContext
from app.live.live import Live
from app.live.overheard import overheard
from app.live.port import OFFER, Connection
from app.live.session import Session
from app.runtime.store import STOPPING
from app.wire import codec

ADDRESSES = ("/ws", "/api/v1/ws")
QUERY = ("topics", "since", "epoch", "ping")
SHOWN = 100  # characters of a path

UPGRADE_REQUIRED = Rejected(
    Code.INVALID,
    "this address speaks WebSocket, and no Upgrade header has arrived: behind a proxy, have it "
    "pass `Upgrade` and `Connection` on, with HTTP/1.1",
)

router = APIRouter()


async def live(websocket: WebSocket) -> None:
    """Decide what the client sends, in order; let it hear what happens, until it leaves.

    `topics`, `since` and `epoch` ask for what a `subscribe` asks for; `topics` are names with
    commas between. Without them a client hears every durable event that it may hear; ephemeral
    events reach only those who name their topic. With `ping=json` the service asks whether the
    client is there by a message `ping`, where it would send a WebSocket's own.
    """
    live: Live = websocket.app.state.live
    topics, since, epoch, ping = map(websocket.query_params.get, QUERY)
    require_allowed_origin(websocket)
    asked = asked_by(topics, since, epoch)
    if asked is not None:
        audience(ANONYMOUS, asked)  # a topic that does not exist is refused with the handshake
    if not live.store.is_open:
        raise STOPPING.anew()
    lease = live.limits.connect(address_of(websocket))
    try:
        identity, goodbye = _who(websocket, live, lease)
        await websocket.accept(subprotocol_of(websocket))
    except BaseException:
        lease.release()
        raise
    connection = overheard(_connection(websocket, live.settings.send_buffer_bytes))
    session = Session(live, connection, identity, lease, json_pings=ping == "json")
    serving = connection.serve(InContext(session))
    session.begin(asked)
    if goodbye is not None:
        session.close(goodbye.code, goodbye.reason)
    if serving is not None:
        await serving


# As routes of Starlette's: to have FastAPI read the four takes longer than all that is done here.
for address in ADDRESSES:
    router.add_websocket_route(address, live)


@router.websocket("/{path:path}")
async def nothing_here(path: str) -> None:
    """Tells whoever looks elsewhere where the WebSocket is."""
    raise Rejected(Code.NOT_FOUND, f"there is no WebSocket at /{path[:SHOWN]}: it is at /api/v1/ws")


@router.get("/ws", include_in_schema=False)
@router.get("/api/v1/ws", include_in_schema=False)
async def upgrade_required() -> Response:
    """What a plain GET is told (RFC 9110, 15.5.22)."""
    body = codec.error_message(UPGRADE_REQUIRED)
    return Response(body, 426, {"Upgrade": "websocket"}, media_type="application/json")


def _who(websocket: WebSocket, live: Live, lease: Lease) -> tuple[Identity, Goodbye | None]:
    """Who opens the connection; and why it has to be closed at once, if it has to.

    Raises Rejected for what is refused with the handshake.
    """
    try:
        identity = identified(lambda: identity_of_handshake(websocket, live.store.state))
        admit(lease, identity)
    except Goodbye as goodbye:
        return Identity(ANONYMOUS), goodbye
    return identity, None


def _connection(websocket: WebSocket, budget: int) -> Connection:
    """The connection that the server offers, or what any ASGI server has."""
    offered: Connection | None = websocket.scope.get("extensions", {}).get(OFFER)
    return AsgiConnection(websocket, budget) if offered is None else offered
