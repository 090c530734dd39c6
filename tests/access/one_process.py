"""The product's real authoriser and applications in one process, with victims.

The door does what API Gateway does: finds the route, asks the route's authorizer of the
template, keeps its policy as long as the template says, hands the session on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from infra.local.files import a_file
from tests.access import people
from tests.access.acting import Cast, Victims, companys_power
from tests.access.forging import Mint as TokenMint
from tests.access.scene import (
    Answer,
    Row,
    Scene,
    begin_draft,
    items_of_editors,
    propose_items,
)
from tests.support.persons import acting, named_in
from tests.support.world import CATALOGUE, TENANT
from tests.template import application
from tests.unit.identity.world import HASH_KEY, REALM
from tests.unit.web.town import FOOD, VEHICLE, Town, proxy_event
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.identity import authorise
from zerotrip.identity.authorise import Authoriser
from zerotrip.identity.model import (
    CompanyKind,
    Level,
    Login,
    Person,
    Provider,
    Role,
    Session,
    SubjectKind,
)
from zerotrip.identity.staff import suspend_officer
from zerotrip.kernel.times import legal_day
from zerotrip.notices.inbox import Inbox
from zerotrip.web.exchange import version_tag

ARN = "arn:aws:execute-api:us-east-1:000000000000:api/local/"
KEPT_SECONDS = {"session": 60, "staff": 0}
_REFUSED = {
    401: b'{"code": "unauthenticated"}',
    403: b'{"code": "forbidden"}',
    404: b'{"code": "not_found"}',
}


@dataclass
class TownDoor:
    """API Gateway in front of a town."""

    town: Town
    authoriser: Authoriser
    kept: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Answer:
        """One request."""
        for route in application.routes():
            pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(route.path))
            found = re.fullmatch(pattern, path)
            if found and route.method == method and route.api == "Api":
                return self._routed(route, found.groupdict(), headers, body)
        return _refused(404)

    def _routed(
        self,
        route: application.Route,
        path: dict[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        content = None if body is None else body.decode()
        event = proxy_event(route.method, route.path, content, path=path)
        event["headers"] = {"Content-Type": "application/json", **headers}
        event["multiValueHeaders"] = {
            name: [value] for name, value in event["headers"].items()
        }
        if route.authorizer != "NONE":
            said = self._policy(route.authorizer, headers.get("Authorization"))
            if isinstance(said, int):
                return _refused(said)
            event["requestContext"]["authorizer"] = said
        made = self.town.apps[route.function](event, None)
        named = {name.lower(): value for name, value in made["headers"].items()}
        return Answer(made["statusCode"], named, made["body"].encode())

    def _policy(self, name: str, token: str | None) -> int | dict[str, Any]:
        """The session that the authorizer hands on, or the status of its refusal."""
        if not token:
            return 401
        said, until = self.kept.get((name, token), (None, None))
        if until is None or self.town.world.clock() >= until:
            event = {"methodArn": ARN + "GET/", "authorizationToken": token}
            try:
                said = authorise.answer(event, self.authoriser, _Silent())
            except authorise.Unauthorized:
                return 401
            kept_for = timedelta(seconds=KEPT_SECONDS[name])
            self.kept[name, token] = said, self.town.world.clock() + kept_for
        if said["policyDocument"]["Statement"][0]["Effect"] != "Allow":
            return 403
        return {**said["context"], "principalId": said["principalId"]}


class _Silent:
    def info(self, msg: object, **kwargs: Any) -> None:
        """Logs are another test's business."""


def _refused(status: int) -> Answer:
    headers = {"content-type": "application/problem+json"}
    return Answer(status, headers, _REFUSED[status])


OPENID = "oSandbox-0000000000000000001"


def scene() -> Scene:
    """A town with victims and strangers in it, at rest."""
    return TownScene(Town()).scene()


@dataclass
class TownScene:
    """Builds a scene in a town."""

    town: Town

    def __post_init__(self) -> None:
        world = self.town.world
        self.registry = people.Registry(
            world.tables, HASH_KEY, TENANT, world.mint, world.keys, world.clock
        )
        today = legal_day(world.clock())
        self.replacement = load_example(CATALOGUE / VEHICLE, today)
        self.food = load_example(CATALOGUE / FOOD, today)

    def scene(self) -> Scene:
        """All of it."""
        town, clock = self.town, self.town.world.clock
        mint = TokenMint(REALM, town.key, town.key.public, clock)
        keys = {town.key.public.kid: town.key.public}
        door = TownDoor(
            town, Authoriser(TENANT, REALM, lambda: keys, town.officers, clock)
        )
        victims = self._victims()
        item = town.world.publish(VEHICLE)
        owner = people.session(victims.citizen, Role.CITIZEN)
        bearer, key = f"Bearer {mint.token(owner)}", "access-one-process"
        draft = begin_draft(door, bearer, item, key)
        things = self._things(victims) | {"draft": draft}
        known = self._people(victims, things)
        form = self.replacement.form
        made = Scene(
            door=door,
            mint=mint,
            people=known,
            things=things,
            absent=people.absent_values(things["licence"], things["case_in_review"]),
            seen=self._seen(victims.citizen, things),
            secrets=people.secrets_of(things, self.replacement, form),
            forms={"replacement": form},
            rows=self._rows,
            idempotency_key=key,
        )
        propose_items(made)
        used = {"Authorization": made.bearer("officer_suspended")}
        if door.ask("GET", "/v1/worklist", used).status != 200:
            raise RuntimeError("the officer could not work before the suspension")
        suspended = known["officer_suspended"].sub
        suspend_officer(town.world.tables, TENANT, suspended, clock())
        town.wechat.refused = True  # no login code is known any more
        return made

    def _victims(self) -> Victims:
        """Signed in as people sign in: by WeChat, and once to be proven."""
        subjects, registry = self.town.subjects, self.registry
        natural, today = SubjectKind.NATURAL, legal_day(self.town.world.clock())
        owner, firm = (
            named_in(load(CATALOGUE / folder, today).item, example.form)
            for folder, example in ((VEHICLE, self.replacement), (FOOD, self.food))
        )
        citizen = subjects.enter(
            TENANT, Login(Provider.WECHAT, OPENID), natural, Person(openid=OPENID)
        ).sub
        by_oidc, manager = (
            subjects.enter(
                TENANT,
                Login(Provider.OIDC, f"access-{name}"),
                natural,
                person,
                level=Level.PRESENT,
            ).sub
            for name, person in (
                ("citizen", owner),
                ("manager", people.COMPANYS_MANAGER),
            )
        )
        subjects.join(TENANT, citizen, by_oidc)
        representative = subjects.number_mark("999999197203150165")
        company = subjects.enter(
            TENANT,
            Login(Provider.USCC, str(firm.corp_uscc)),
            SubjectKind.LEGAL,
            firm,
            level=Level.PRESENT,
            facts={
                "company": CompanyKind.COMPANY,
                "representative": representative,
            },
        ).sub
        return Victims(
            citizen=citizen,
            by_oidc=by_oidc,
            name=str(owner.name),
            number=str(owner.id_no),
            company=company,
            manager=manager,
            power=companys_power(registry, company, manager, representative).id,
            representative=representative,
        )

    def _people(self, victims: Victims, things: dict[str, str]) -> dict[str, Session]:
        cast = Cast(self.registry, victims)
        things |= cast.things()
        elsewhere = {"citizen": things["company_case"][:31], "company": things["item"]}
        known = people.by_name(
            {
                "citizen": people.session(victims.citizen, Role.CITIZEN),
                "other_citizen": people.session(
                    self.registry.enrol(people.OTHER_CITIZEN, people.STRANGER),
                    Role.CITIZEN,
                ),
                "company": people.session(
                    victims.company,
                    Role.COMPANY,
                    actor=victims.manager,
                    power=victims.power,
                ),
                "officer": self.town.officer(
                    "zhao",
                    Role.OFFICER,
                    department=people.DEPARTMENT,
                    uscc=people.VICTIMS_OFFICE,
                ),
                **cast.sessions(elsewhere),
                **self.registry.strangers(),
            }
        )
        self.registry.signed_in(known)
        return known

    def _things(self, victims: Victims) -> dict[str, str]:
        world, citizen, company = self.town.world, victims.citizen, victims.company
        form = self.replacement.form
        wrong = {"declarations": {**form["declarations"], "return_if_found": False}}

        def apply(**changes: Any) -> str:
            return world.apply(VEHICLE, citizen, "citizen", **changes)

        cases = {
            "case_in_review": apply(),
            "case_to_return": apply(),
            "case_to_correct": apply(**wrong),
            "case_to_withdraw": apply(**wrong),
            "case_to_pay": apply(),
        }
        licensed = world.apply(FOOD, company, "company")
        world.run()
        for case_no in (cases["case_to_pay"], licensed):
            now = world.case(case_no)
            world.requests.decide(now, "officer-1", now.head.version, "approve", "齐全")
        world.run()
        inbox: Inbox = self.town.applicant().inbox
        return {
            **cases,
            "draft_ready": self._ready_draft(citizen),
            "bill": world.case(cases["case_to_pay"]).case.bills[0],
            "licence": str(world.case(licensed).case.licence),
            "company_case": licensed,
            "notice": str(inbox.list(TENANT, acting(citizen), 1)[0]["id"]),
            "item": cases["case_in_review"][:31],
            "company_draft": world.applications.start(
                acting(company, Role.COMPANY), licensed[:31]
            ).id,
            **people.stored_material(self.food),
            "partner": "courier",
            **items_of_editors(),
        }

    def _ready_draft(self, sub: str) -> str:
        """A draft that could be handed in, its material checked."""
        world = self.town.world
        code, example, who = world.publish(VEHICLE), self.replacement, acting(sub)
        draft = world.applications.start(who, code)
        draft = world.applications.save(who, draft.id, draft.version, example.form)
        for material, facts in example.materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            world.upload(who, draft.id, material, content, facts["type"])
        return draft.id

    def _seen(self, citizen: str, things: Mapping[str, str]) -> dict[str, str]:
        """ETags as the owner reads them."""
        world, seen = self.town.world, {}
        for name, thing in things.items():
            if name.startswith("case_"):
                seen[thing] = version_tag(world.case(thing).head.version)
            elif name.startswith("draft"):
                draft = world.applications.own(acting(citizen), thing)
                seen[thing] = version_tag(draft.version)
        return seen

    def _rows(self) -> dict[Row, str]:
        return {key: repr(row) for key, row in self.town.world.tables.rows.items()}


@contextmanager
def put_back(made: Scene) -> Iterator[None]:
    """What is done to a scene meanwhile is undone: rows, clock, orders, policies."""
    door = made.door
    if not isinstance(door, TownDoor):
        raise TypeError("only a scene in one process can be put back")
    world, orders = door.town.world, door.town.channel.orders
    opened = dict(orders)
    before, at = dict(world.tables.rows), world.clock.at
    try:
        yield
    finally:
        world.tables.rows = before
        world.clock.at = at
        orders.clear()
        orders.update(opened)
        door.kept.clear()
