"""Revocation at the doors of the real service."""

from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio

URL = "/api/v1/revocations"
ADA = {"X-User": "ada"}


async def revoke(http: httpx.AsyncClient, user_id: Any, **headers: str) -> httpx.Response:
    return await http.post(URL, json={"user_id": user_id}, headers=headers)


async def test_an_operator_revokes_and_lists_in_pages_by_name(http: httpx.AsyncClient) -> None:
    bob, ada = await revoke(http, "bob"), await revoke(http, "ada")
    later = await revoke(http, "bob")

    first = (await http.get(f"{URL}?limit=1")).json()
    second = (await http.get(f"{URL}?limit=1&after={first['next']}")).json()

    assert [answer.status_code for answer in (bob, ada, later)] == [201] * 3
    assert bob.json()["user_id"] == "bob"
    assert later.json()["revoked_at"] > bob.json()["revoked_at"]
    assert first["items"] + second["items"] == [ada.json(), later.json()]
    assert second["next"] is None


async def test_a_name_is_whatever_an_issuer_may_call_a_user(http: httpx.AsyncClient) -> None:
    for name in ("auth0|5f7c", "ada@example.com", "Zoë Ünal", "x" * 64):
        assert (await revoke(http, name)).status_code == 201
    for bad in ("", "x" * 65, "a\nb", 7, None):
        refused = await revoke(http, bad)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")


async def test_a_customer_neither_revokes_nor_lists_nor_sees_them(http: httpx.AsyncClient) -> None:
    await revoke(http, "bob")

    answers = [
        await revoke(http, "ada", **ADA),
        await http.post("/api/v1/commands", json={"RevokeTokens": {"user_id": "a"}}, headers=ADA),
        await http.get(URL, headers=ADA),
        await http.get("/api/v1/snapshot?topics=revocation", headers=ADA),
    ]
    seen = (await http.get("/api/v1/snapshot", headers=ADA)).json()["state"]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert "revocation" not in seen


async def test_the_same_request_again_revokes_once_and_is_answered_as_the_first_time(
    http: httpx.AsyncClient,
) -> None:
    first = await revoke(http, "ada", **{"Idempotency-Key": "k"})
    later = await revoke(http, "ada")
    again = await revoke(http, "ada", **{"Idempotency-Key": "k"})

    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() != later.json()
    assert first.headers["ETag"] == again.headers["ETag"]
    assert (await http.get(URL)).json()["items"] == [later.json()]
