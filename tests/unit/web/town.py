"""All three applications over one in-memory world, called with REST proxy events."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tests.support.partners import FakeWeChatPay
from tests.support.persons import FIRM, ZHANG
from tests.support.world import CATALOGUE, TENANT, World
from tests.unit.identity.world import (
    HASH_KEY,
    REALM,
    IdentityProvider,
    LocalKey,
    WeChat,
)
from tests.unit.web.contract import answer_faults
from zerotrip.catalogue.authoring import Draft, load
from zerotrip.catalogue.pages import keep_page
from zerotrip.catalogue.publishing import Publishing
from zerotrip.catalogue.steps import PublishDeps, publish_item
from zerotrip.identity.agency import Agency, Window
from zerotrip.identity.model import Level, Organisation, Role, Session
from zerotrip.identity.officers import Officers
from zerotrip.identity.persons import Persons
from zerotrip.identity.power_store import Powers
from zerotrip.identity.powers import Acting
from zerotrip.identity.recusal import Recusal
from zerotrip.identity.sessions import Sessions
from zerotrip.identity.staff import register_officer, register_organisation
from zerotrip.identity.store import Subjects
from zerotrip.identity.tokens import TokenIssuer, jwks
from zerotrip.kernel.times import legal_day
from zerotrip.notices.inbox import Inbox
from zerotrip.notices.words import item_words
from zerotrip.payments.requests import Payments
from zerotrip.payments.steps import PaymentSteps, collect_payment
from zerotrip.web.dependencies import Applicant, Editors, Public, Staff
from zerotrip.web.endpoints import applicant, catalogue, public, staff
from zerotrip.web.serving import Api, chalice_app

ROOT = Path(__file__).resolve().parents[3]
INVOCATIONS = ROOT / "events" / "invocations"
FOOD = "food-business-licence"
VEHICLE = "vehicle-licence-replacement"
FOOD_OFFICE = "11441882000000027D"


@dataclass(frozen=True)
class Answered:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def fault_codes(self) -> dict[str, str]:
        return {fault["path"]: fault["code"] for fault in self.body["faults"]}


@dataclass
class Log:
    """A logger that keeps its lines."""

    lines: list[dict[str, Any]] = field(default_factory=list)

    def info(self, sentence: str, **said: Any) -> None:
        self.lines.append({"level": "INFO", "sentence": sentence, **said})

    def error(self, sentence: str, **said: Any) -> None:
        self.lines.append({"level": "ERROR", "sentence": sentence, **said})


def recorded(name: str) -> dict[str, Any]:
    """A recorded invocation, `applicant_api/start_application`."""
    event: dict[str, Any] = json.loads(_recording(name))
    return event


@functools.cache
def _recording(name: str) -> str:
    return (INVOCATIONS / f"{name}.json").read_text("utf-8")


@functools.cache
def _loaded(folder: str, day: date) -> Draft:
    """An item's folder, read and checked once: that takes most of a second."""
    return load(CATALOGUE / folder, day)


@dataclass
class SwiftWorld(World):
    """A world that publishes what was read before, with its page."""

    pages: set[str] = field(default_factory=set)

    def publish(self, folder: str) -> str:
        draft = _loaded(folder, legal_day(self.clock()))
        made = self.catalogue.publish(TENANT, draft.item, draft.layout, "operator:test")
        if made.digest not in self.pages:
            self.pages.add(made.digest)
            keep_page(self.catalogue.objects, made.item, made.digest)
        return draft.item.code


@dataclass
class Town:
    """One deployment in memory."""

    world: World = field(default_factory=SwiftWorld)
    log: Log = field(default_factory=Log)
    wechat: WeChat = field(default_factory=WeChat)
    idp: IdentityProvider = field(default_factory=IdentityProvider)
    key: LocalKey = field(default_factory=LocalKey)

    def __post_init__(self) -> None:
        world = self.world
        self.channel = FakeWeChatPay(world.clock)
        self.officers = Officers(world.tables)
        self.subjects = Subjects(
            world.tables, world.keys, world.mint, world.clock, HASH_KEY
        )
        steps = PaymentSteps(TENANT, world.records, self._channels(), world.clock)
        world.steps["collect_payment"] = lambda event: collect_payment(event, steps)
        publishing = PublishDeps(
            tenant=TENANT,
            records=world.records,
            catalogue=world.catalogue,
            keep_page=functools.partial(keep_page, world.catalogue.objects),
            now=world.clock,
        )
        world.steps["publish_item"] = lambda event: publish_item(event, publishing)
        self.apps: dict[str, Api] = {
            "applicant_api": chalice_app(
                "applicant_api", applicant.ENDPOINTS, self.applicant, lambda: self.log
            ),
            "staff_api": chalice_app(
                "staff_api", staff.ENDPOINTS, self.staff, lambda: self.log
            ),
            "catalogue_api": chalice_app(
                "catalogue_api", catalogue.ENDPOINTS, self.editors, lambda: self.log
            ),
            "public_api": chalice_app(
                "public_api", public.ENDPOINTS, self.public, lambda: self.log
            ),
        }

    def _channels(self) -> dict[str, Any]:
        return {"wechat_pay": lambda: self.channel}

    def applicant(self) -> Applicant:
        world = self.world
        return Applicant(
            tenant=TENANT,
            applications=world.applications,
            requests=world.requests,
            sessions=Sessions(
                tenant=TENANT,
                tables=world.tables,
                subjects=self.subjects,
                officers=self.officers,
                issuer=TokenIssuer(REALM, self.key, self.key.public.kid),
                wechat=self.wechat,
                oidc=self.idp,
                mint=world.mint,
                clock=world.clock,
            ),
            callers=world.callers,
            agency=Agency(
                world.callers, Powers(world.tables, TENANT), world.mint, HASH_KEY
            ),
            inbox=Inbox(
                world.records,
                world.tables,
                lambda code, digest: item_words(
                    world.catalogue.pinned(TENANT, code, digest)
                ),
                world.clock,
            ),
            payments=Payments(
                world.records, world.catalogue, self._channels(), world.clock
            ),
            subjects=self.subjects,
            catalogue=world.catalogue,
            records=world.records,
            licences_bucket=world.licences,
            tables=world.tables,
            now=world.clock,
        )

    def staff(self) -> Staff:
        world = self.world
        return Staff(
            tenant=TENANT,
            requests=world.requests,
            records=world.records,
            catalogue=world.catalogue,
            officers=self.officers,
            callers=world.callers,
            window=Window(self.subjects, Powers(world.tables, TENANT), TENANT),
            recusal=Recusal(
                world.tables, TENANT, Persons(world.tables), world.clock, HASH_KEY
            ),
            uploads=world.uploads,
            keys=world.keys,
            tables=world.tables,
            now=world.clock,
        )

    def editors(self) -> Editors:
        world = self.world
        return Editors(
            tenant=TENANT,
            publishing=Publishing(TENANT, world.records, world.catalogue, world.clock),
            officers=self.officers,
            tables=world.tables,
            now=world.clock,
        )

    def public(self) -> Public:
        return Public(
            tenant=TENANT,
            catalogue=self.world.catalogue,
            records=self.world.records,
            jwks=lambda: jwks([self.key.public]),
            now=self.world.clock,
        )

    def session(self, sub: str, *roles: Role, **changed: Any) -> Session:
        """A session as the authoriser hands it on, of a login that is proven."""
        held = Session(
            sub=sub,
            roles=frozenset(roles or {Role.CITIZEN}),
            session_id="SESSION",
            level=Level.PRESENT,
            expires_at=self.world.clock() + timedelta(minutes=15),
        )
        held = replace(held, **changed)
        if held.actor is None:
            self.world.enrol(sub, FIRM if Role.COMPANY in held.roles else ZHANG)
        return held

    def acting(self, who: Session) -> Acting:
        """Who acts behind a session, as the endpoints see it."""
        return self.world.callers.acting(who)

    def officer(self, name: str, *roles: Role, department: str, uscc: str) -> Session:
        """A registered officer's session."""
        office = Organisation(uscc, "示例机关", "Example Office")
        register_organisation(self.world.tables, TENANT, office)
        sub = register_officer(
            self.world.tables,
            HASH_KEY,
            TENANT,
            name,
            organisation=uscc,
            department=department,
            roles=frozenset(roles),
            mint=self.world.mint,
        )
        return self.session(sub, *roles, organisation=uscc, department=department)

    def call(
        self,
        method: str,
        route: str,
        *,
        who: Session | None = None,
        body: object = None,
        raw: str | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        **path: str,
    ) -> Answered:
        """One request; the answer is held against the OpenAPI document."""
        content = raw
        if body is not None:
            content = json.dumps(body, ensure_ascii=False)
        event = proxy_event(
            method, route, content, who=who, path=path, headers=headers, query=query
        )
        answered = self.invoke(self._app_of(route, method), event)
        faults = answer_faults(
            method,
            route,
            answered.status,
            answered.headers.get("Content-Type", ""),
            answered.body,
        )
        assert faults == []
        return answered

    def invoke(self, app: str, event: dict[str, Any]) -> Answered:
        """One event, as Lambda hands it over."""
        made = self.apps[app](event, None)
        body: Any = made["body"] or None
        if body is not None and "json" in made["headers"].get("Content-Type", ""):
            body = json.loads(body)
        return Answered(made["statusCode"], made["headers"], body)

    def _app_of(self, route: str, method: str) -> str:
        for name, app in self.apps.items():
            if method in app.routes.get(route, {}):
                return name
        raise LookupError(f"{method} {route}")


def proxy_event(
    method: str,
    route: str,
    content: str | None = None,
    *,
    who: Session | None = None,
    path: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A recorded REST proxy event, changed where this request differs."""
    event = recorded("applicant_api/start_application")
    event["resource"] = route
    event["path"] = route.format(**(path or {}))
    event["httpMethod"] = method
    event["pathParameters"] = dict(path or {}) or None
    event["body"] = content
    event["queryStringParameters"] = dict(query or {}) or None
    event["multiValueQueryStringParameters"] = (
        {name: [value] for name, value in query.items()} if query else None
    )
    kept = {"Content-Type": "application/json", "Host": event["headers"]["Host"]}
    event["headers"] = {**kept, **(headers or {})}
    event["multiValueHeaders"] = {
        name: [value] for name, value in event["headers"].items()
    }
    event["requestContext"]["resourcePath"] = route
    event["requestContext"]["httpMethod"] = method
    if who is None:
        del event["requestContext"]["authorizer"]
    else:
        event["requestContext"]["authorizer"] = {
            **who.as_context(),
            "principalId": who.sub,
            "integrationLatency": 3,
        }
    return event
