"""Revocations over HTTP, for an operator."""

from typing import Annotated

from fastapi import APIRouter, Request, Response

from app.access.command_id import CommandId
from app.access.door import TheDoor
from app.access.gate import require_may_hear
from app.access.principal import Sender
from app.access.store import TheStore
from app.api.answers import entity_tag, json_answer, or_unchanged, unless_known
from app.api.pages import AfterName, Limit, Page, page_of
from app.domain.revocation.actions import RevokeTokens, TokensRevoked
from app.domain.revocation.state import Revocation
from app.wire.tagged import Untagged

router = APIRouter(prefix="/revocations", tags=["revocations"])


@router.post("", status_code=201, responses={201: {"model": Revocation}})
async def revoke_tokens(
    command: Annotated[RevokeTokens, Untagged()],
    door: TheDoor,
    id: CommandId = None,
) -> Response:
    """Refuse what tokens the user has, and end their live connections; later tokens are good."""
    outcome = await door.dispatch(command, id=id)
    (revoked,) = [e.event for e in outcome.events if isinstance(e.event, TokensRevoked)]
    headers = entity_tag(outcome.seq, door.epoch, door.sender)
    made = Revocation(revoked.user_id, revoked.revoked_at)
    return json_answer(made, status=201, headers=headers)


@router.get("", responses=or_unchanged(Page[Revocation]))
async def list_revocations(
    request: Request, store: TheStore, sender: Sender, limit: Limit = 100, after: AfterName = ""
) -> Response:
    """A page of them, by user; `next` is the `after` of the next page."""
    require_may_hear(sender, "revocation")

    def page() -> Page[Revocation]:
        later = (each for each in store.state.revocation.all() if each.user_id > after)
        return page_of(later, limit, lambda revocation: revocation.user_id)

    return unless_known(request, store, sender, page)
