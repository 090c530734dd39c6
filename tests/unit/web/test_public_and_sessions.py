"""What needs no session: items, keys, and signing in."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from tests.unit.identity.world import REALM, person
from tests.unit.web.town import FOOD, VEHICLE, Town, recorded
from zerotrip.identity.tokens import verify

OIDC = {
    "provider": "oidc",
    "code": "code",
    "code_verifier": "verifier",
    "nonce": "nonce",
    "redirect_uri": "https://r.example",
}


def test_items_are_listed_with_a_version_that_clients_may_keep(town: Town) -> None:
    codes = sorted([town.world.publish(FOOD), town.world.publish(VEHICLE)])
    listed = town.call("GET", "/v1/items")
    assert [each["item_code"] for each in listed.body["items"]] == codes
    assert listed.headers["Cache-Control"] == "public, max-age=30"
    tag = listed.headers["ETag"]
    held = town.call("GET", "/v1/items", headers={"If-None-Match": f'"other", W/{tag}'})
    assert (held.status, held.body) == (304, None)
    assert held.headers["ETag"] == tag
    assert town.call("GET", "/v1/items", headers={"If-None-Match": '"x"'}).body


def test_an_item_has_all_that_a_form_needs_and_none_of_its_rules(town: Town) -> None:
    code = town.world.publish(VEHICLE)
    item = town.call("GET", "/v1/items/{item_code}", item_code=code).body
    Draft202012Validator.check_schema(item["form"])
    assert item["fee"]["amount_fen"] == 1500
    assert [each["code"] for each in item["materials"]] == ["loss_declaration"]
    assert not {"checks", "layout", "holder_path"} & set(item)
    assert set(item["licence"]) == {"title", "valid_months"}


def test_an_unknown_item_is_not_found(town: Town) -> None:
    answered = town.call("GET", "/v1/items/{item_code}", item_code="9" * 31)
    assert (answered.status, answered.code) == (404, "item_unknown")


def test_recorded_invocations_of_the_public_application_are_answered(
    town: Town,
) -> None:
    town.world.publish(FOOD)
    names = ("list_items", "list_items_known_version", "verify_licence")
    found = [
        town.invoke("public_api", recorded(f"public_api/{name}")).status
        for name in names
    ]
    assert found == [200, 200, 422]


def test_our_keys_are_published(town: Town) -> None:
    answered = town.call("GET", "/.well-known/jwks.json")
    assert [key["kid"] for key in answered.body["keys"]] == [town.key.public.kid]


def test_a_mini_program_code_becomes_a_token_that_our_keys_check(town: Town) -> None:
    answered = town.invoke(
        "applicant_api", recorded("applicant_api/open_session_wechat")
    )
    assert answered.status == 201
    session = verify(
        answered.body["access_token"],
        {town.key.public.kid: town.key.public},
        REALM,
        town.world.clock(),
    )
    assert [str(role) for role in session.roles] == ["citizen"]


def test_an_oidc_code_becomes_a_session_and_goes_on(town: Town) -> None:
    town.idp.people["code"] = person()
    begun = town.call("POST", "/v1/sessions", body=OIDC)
    assert begun.body["subject"] == {"kind": "natural", "level": "present"}
    token = {"refresh_token": begun.body["refresh_token"]}
    refreshed = town.call("POST", "/v1/sessions/refresh", body=token)
    assert refreshed.status == 200
    repeated = town.call("POST", "/v1/sessions/refresh", body=token)
    assert repeated.body["refresh_token"] == refreshed.body["refresh_token"]
    town.world.clock.forward(seconds=10)
    stolen = town.call("POST", "/v1/sessions/refresh", body=token)
    assert (stolen.status, stolen.code) == (401, "session_refused")
    assert town.log.lines[-1]["reason"] == "refresh_token_reused"


def test_a_code_that_wechat_refuses_signs_nobody_in(town: Town) -> None:
    town.wechat.refused = True
    body = {"provider": "wechat_mini_program", "code": "x"}
    answered = town.call("POST", "/v1/sessions", body=body)
    assert (answered.status, answered.code) == (401, "wechat_code_used")


def test_after_signing_out_no_refresh_works(town: Town) -> None:
    body = {"provider": "wechat_mini_program", "code": "o-1"}
    begun = town.call("POST", "/v1/sessions", body=body)
    keys = {town.key.public.kid: town.key.public}
    token = begun.body["access_token"]
    session = verify(token, keys, REALM, town.world.clock())
    assert town.call("DELETE", "/v1/sessions", who=session).status == 204
    refreshed = town.call(
        "POST",
        "/v1/sessions/refresh",
        body={"refresh_token": begun.body["refresh_token"]},
    )
    assert refreshed.status == 401
