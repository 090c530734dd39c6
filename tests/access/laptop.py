"""The deployed product on the laptop cloud, with victims: made as people make them."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import urllib3

from infra.local.demo import STORIES
from infra.local.files import a_file
from infra.local.home import ROOT, TENANT
from infra.local.mini_program import Client, Partners, Refused
from infra.local.partners.people import PEOPLE
from infra.local.seed import tables_of
from tests.access import people
from tests.access.acting import Cast, Victims
from tests.access.forging import Mint as TokenMint
from tests.access.scene import (
    Answer,
    Row,
    Scene,
    begin_draft,
    items_of_editors,
    propose_items,
)
from tests.support.laptop_cloud import LaptopCloud
from zerotrip.catalogue.authoring import Example, load, load_example
from zerotrip.identity.model import Session
from zerotrip.identity.staff import suspend_officer
from zerotrip.identity.tokens import KmsTokenKey, Realm, verify
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.sealing import KeyRing, KmsKeys
from zerotrip.kernel.times import legal_day

TABLES = ("records", "drafts", "keys", "answers", "identity")
VEHICLE, FOOD = STORIES[1], STORIES[2]
ATTEMPTS = 4
Made = TypeVar("Made")
SIGNED_IN = {
    "citizen": "zhang",
    "other_citizen": "li",
    "company": "wang",
    "officer": "zhao",
}
"""Who plays whom."""


@dataclass(frozen=True)
class HttpsDoor:
    """The REST APIs of a laptop cloud, as anyone on the network reaches them."""

    cloud: LaptopCloud
    http: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(maxsize=8)
    )

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request, redirects not followed.

        Asked again where the gateway says that a function did not answer in time: a
        cold start on a busy machine, which is neither an answer nor a refusal.
        """
        partners = path.startswith("/v1/partners/")
        base = self.cloud.partners_url if partners else self.cloud.api_url
        for _ in range(ATTEMPTS):
            answer = self.http.request(
                method,
                base + path,
                body=body,
                headers=dict(headers),
                redirect=False,
                retries=False,
                timeout=90,
            )
            named = {name.lower(): value for name, value in answer.headers.items()}
            said = Answer(answer.status, named, answer.data)
            if said.code != "unavailable":
                break
        return said


def token_mint(cloud: LaptopCloud) -> TokenMint:
    """Signs with the cloud's own key in KMS, as its sign-in does."""
    key = KmsTokenKey(cloud.client("kms"), cloud.outputs["TokenKey"])
    realm = Realm(cloud.api_url, "zerotrip-local")
    return TokenMint(realm, key, key.public_key(), lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Townspeople:
    """Signed-in clients of the people in the story, and what the items ask of them."""

    cloud: LaptopCloud
    mint: TokenMint
    clients: Mapping[str, Client]
    replacement: Example
    food: Example
    idempotency_key: str = field(default_factory=lambda: str(uuid.uuid4()))

    def session(self, name: str) -> Session:
        """Who a client is, as its own token says."""
        keys = {self.mint.public.kid: self.mint.public}
        token = str(self.clients[name].token)
        return verify(token, keys, self.mint.realm, self.mint.clock())

    def draft(self, name: str, *, wrong: bool = False) -> str:
        """A draft of a replacement licence, its material being checked."""
        form = dict(self.replacement.form)
        if wrong:
            form["declarations"] = {**form["declarations"], "return_if_found": False}
        client, code = self.clients[name], _item(VEHICLE.folder).code
        application = client.draft(code, form)
        _upload(client, application, self.replacement)
        return application

    def case(self, name: str, stage: str, *, wrong: bool = False) -> str:
        """A handed-in case that has come to rest in a stage."""
        client = self.clients[name]
        case_no = client.submit(self.draft(name, wrong=wrong))
        client.wait(case_no, lambda found: _rests(found, stage))
        return case_no

    def payable(self, name: str) -> str:
        """A case whose fee is asked for."""
        case_no = self.case(name, "in_review")
        self.clients["zhao"].decide(case_no, "approve", "材料齐全")
        self.clients[name].wait(
            case_no,
            lambda found: any(bill["stage"] == "opened" for bill in found["bills"]),
        )
        return case_no

    def licence(self) -> tuple[str, str]:
        """An issued licence of the company, and the case that it came from."""
        client = self.clients["wang"]
        application = client.draft(_item(FOOD.folder).code, self.food.form)
        _upload(client, application, self.food)
        case_no = client.submit(application)
        client.wait(case_no, lambda found: _rests(found, "in_review"))
        self.clients["zhou"].decide(case_no, "approve", "材料齐全")
        found = client.wait(case_no, lambda found: found["stage"] == "completed")
        return str(found["licence_id"]), case_no


def _item(folder: str) -> Any:
    return load(ROOT / "catalogue" / folder, legal_day(datetime.now(UTC))).item


def _upload(client: Client, application: str, example: Example) -> None:
    for material, facts in example.materials.items():
        content = a_file(facts["type"], facts["size_bytes"])
        client.upload(f"applications/{application}", material, facts["type"], content)


def _rests(found: dict[str, Any], stage: str) -> bool:
    wanted = {"in_review": "decision", "correcting": "corrections"}
    return found["stage"] == stage and wanted[stage] in found["obligations"]


def townspeople(cloud: LaptopCloud) -> Townspeople:
    """Everybody signs in."""
    partners, today = Partners.of(cloud.home), legal_day(datetime.now(UTC))
    clients = {}
    for name in ("zhang", "li", "wang", "zhao", "zhou"):
        client = Client(cloud.api_url, partners)
        citizen = name in {"zhang", "li"}
        sign_in = client.sign_in_by_wechat if citizen else client.sign_in_by_oidc
        clients[name] = _patiently(sign_in, name)
    return Townspeople(
        cloud,
        token_mint(cloud),
        clients,
        load_example(ROOT / "catalogue" / VEHICLE.folder, today),
        load_example(ROOT / "catalogue" / FOOD.folder, today),
    )


@contextmanager
def scene(cloud: LaptopCloud) -> Iterator[Scene]:
    """Victims and strangers on the laptop cloud, at rest; parcels wait meanwhile."""
    town, registry = townspeople(cloud), registry_of(cloud)
    victims = _victims(town, registry)
    partners = Partners.of(cloud.home)
    partners.control("courier", "pace", {"moves": False})
    owners = [
        (sub, registry.subjects.persons.of(TENANT, sub).subs)
        for sub in (victims.citizen, victims.manager)
    ]
    try:
        yield _scene(cloud, town, registry, victims)
    finally:
        partners.control("courier", "pace", {"moves": True})
        for sub, logins in owners:  # the next scene's logins are made anew
            registry.parts(sub, logins)


def registry_of(cloud: LaptopCloud) -> people.Registry:
    """Writes into the cloud's own tables, under its own keys and secret."""
    secret = cloud.client("secretsmanager").get_secret_value(
        SecretId=cloud.outputs["IdentityHashSecret"]
    )
    tables = tables_of(cloud.home, cloud.outputs)
    data_keys = KmsKeys(cloud.client("kms"), cloud.outputs["DataKey"])
    return people.Registry(
        tables,
        secret["SecretString"].encode(),
        TENANT,
        Mint(os.urandom),
        KeyRing(tables, data_keys),
        lambda: datetime.now(UTC),
    )


def _victims(town: Townspeople, registry: people.Registry) -> Victims:
    """Zhang, who proved who he is beside WeChat, and the company that Wang acts for."""
    citizen, company = town.session("zhang"), town.session("wang")
    known, _ = town.clients["zhang"].call("GET", "/v1/sessions/bindings")
    by_oidc = next(
        str(each["binding_id"])
        for each in known["bindings"]
        if each["provider"] == "oidc"
    )
    stored = registry.subjects.persons.of(TENANT, company.sub)
    return Victims(
        citizen=citizen.sub,
        by_oidc=by_oidc,
        name=PEOPLE["zhang"].name,
        number=PEOPLE["zhang"].id_no,
        company=company.sub,
        manager=str(company.actor),
        power=str(company.power),
        representative=stored.asked.representative,
    )


def _scene(
    cloud: LaptopCloud,
    town: Townspeople,
    registry: people.Registry,
    victims: Victims,
) -> Scene:
    things, cast = _things(town), Cast(registry, victims)
    things |= cast.things()
    elsewhere = {"citizen": things["company_case"][:31], "company": things["item"]}
    known = people.by_name(
        {
            **{role: town.session(name) for role, name in SIGNED_IN.items()},
            **registry.strangers(),
            **cast.sessions(elsewhere),
        }
    )
    registry.signed_in(known)
    ready, _ = town.clients["zhang"].call(
        "GET", f"/v1/applications/{things['draft_ready']}"
    )
    door = HttpsDoor(cloud)
    made = Scene(
        door=door,
        mint=town.mint,
        people=known,
        things=things,
        absent=people.absent_values(things["licence"], things["case_in_review"]),
        seen=_seen(town.clients["zhang"], things),
        secrets=people.secrets_of(things, town.replacement, ready["form"]),
        forms={"replacement": ready["form"]},
        rows=lambda: rows_of(cloud),
        idempotency_key=town.idempotency_key,
    )
    propose_items(made)
    # The policies of a token that was used are kept: they must be of no use either.
    used = {"Authorization": made.bearer("officer_suspended")}
    for path, status in (("/v1/worklist", 200), ("/v1/cases", 403)):
        answer = door.ask("GET", path, used)
        if answer.status != status:
            raise RuntimeError(f"before the suspension: {answer.status} {answer.code}")
    suspended = known["officer_suspended"].sub
    suspend_officer(registry.tables, TENANT, suspended, datetime.now(UTC))
    return made


def _patiently(make: Callable[..., Made], *which: Any, **how: Any) -> Made:
    """Makes it again where a function's cold start took longer than its time-out."""
    for _ in range(ATTEMPTS - 1):
        try:
            return make(*which, **how)
        except Refused as refused:
            if refused.status < 500:
                raise
        except urllib3.exceptions.TimeoutError:
            continue
    return make(*which, **how)


def _things(town: Townspeople) -> dict[str, str]:
    """All at once: each waits for messages most of its time."""
    with ThreadPoolExecutor(4) as pool:
        made = {
            "draft": pool.submit(_patiently, _begun, town),
            "draft_ready": pool.submit(_patiently, town.draft, "zhang"),
            "case_in_review": pool.submit(_patiently, town.case, "zhang", "in_review"),
            "case_to_return": pool.submit(_patiently, town.case, "zhang", "in_review"),
            "case_to_correct": pool.submit(
                _patiently, town.case, "zhang", "correcting", wrong=True
            ),
            "case_to_withdraw": pool.submit(
                _patiently, town.case, "zhang", "correcting", wrong=True
            ),
            "case_to_pay": pool.submit(_patiently, town.payable, "zhang"),
        }
        licence, licensed = pool.submit(_patiently, town.licence).result()
        things = {name: future.result() for name, future in made.items()}
    zhang = town.clients["zhang"]
    paying, _ = zhang.case(things["case_to_pay"])
    notices, _ = zhang.call("GET", "/v1/notices")
    return {
        **things,
        "bill": paying["bills"][0]["bill_id"],
        "licence": licence,
        "company_case": licensed,
        "notice": notices["notices"][0]["id"],
        "item": things["case_in_review"][:31],
        "company_draft": town.clients["wang"].draft(
            _item(FOOD.folder).code, town.food.form
        ),
        **people.stored_material(town.food),
        "partner": "courier",
        **items_of_editors(),
    }


def _begun(town: Townspeople) -> str:
    item = _item(VEHICLE.folder).code
    bearer = f"Bearer {town.clients['zhang'].token}"
    return begin_draft(HttpsDoor(town.cloud), bearer, item, town.idempotency_key)


def _seen(zhang: Client, things: Mapping[str, str]) -> dict[str, str]:
    """ETags as the owner reads them."""
    seen = {}
    for name, thing in things.items():
        if name.startswith(("case_", "draft")):
            kind = "cases" if name.startswith("case_") else "applications"
            _, headers = zhang.call("GET", f"/v1/{kind}/{thing}")
            seen[thing] = headers["ETag"]
    return seen


def rows_of(cloud: LaptopCloud) -> dict[Row, str]:
    """Every row of every table that a request could change."""
    client, found = cloud.client("dynamodb"), {}
    for table in TABLES:
        name = cloud.outputs[f"{table.capitalize()}Table"]
        for page in client.get_paginator("scan").paginate(TableName=name):
            for item in page["Items"]:
                row = (table, item["pk"]["S"], item["sk"]["S"])
                kept = _without_the_clock(item) if row[2] == "HEAD" else item
                found[row] = json.dumps(kept, sort_keys=True, default=repr)
    return found


def _without_the_clock(head: Mapping[str, Any]) -> dict[str, Any]:
    """A head but for what the watchdog moves each minute: when to look again."""
    kept = {name: head[name] for name in head if name not in {"due_pk", "due_at"}}
    data = json.loads(head["data"]["S"])
    data.get("body", data).pop("watch", None)
    return {**kept, "data": data}
