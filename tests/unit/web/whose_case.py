"""People who sign in by the real sessions of a town, and what they hand in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.support.persons import as_named
from tests.support.world import CATALOGUE, TENANT
from tests.unit.identity.world import REALM, company, person
from tests.unit.web.town import FOOD, VEHICLE, Answered, Town, _loaded
from zerotrip.catalogue.authoring import load_example
from zerotrip.identity.clients.oidc import Claims
from zerotrip.identity.model import Level, Role, Session
from zerotrip.identity.tokens import verify
from zerotrip.kernel.times import legal_day

OFFICE = ("vehicle-office", "11441882000000019J")
NUMBERS = {
    "zhang": "999999199001010016",
    "li": "999999199202020026",
    "wang": "999999198503030039",
    "qin": "999999197001010017",
    "zhao": "999999198004040048",
    "sun": "999999198105050050",
    "yan": "999999201606010019",
}


NAMES = {
    "zhang": "张示例",
    "li": "李示例",
    "wang": "王示例",
    "qin": "秦示例",
    "zhao": "赵示例",
    "sun": "孙示例",
    "yan": "严示例",
}


def claims(who: str, /, **changed: Any) -> Claims:
    """What the provider says of one of these people."""
    said = {
        "name": NAMES[who],
        "id_no": NUMBERS[who],
        "level": Level.PRESENT,
    }
    return person(changed.pop("sub", f"idp-{who}"), **(said | changed))


def for_company(who: str, /, **said: Any) -> Claims:
    """The same as somebody who acts for the example's company."""
    known = {
        "name": "示例餐饮管理有限公司",
        "uscc": "91441882MA0000018A",
        "representative": "李示例",
        "representative_no": NUMBERS["li"],
    }
    return claims(who, kind="legal", company=company(**(known | said)))


@dataclass
class People:
    """A town, and what people do there over HTTPS."""

    town: Town = field(default_factory=Town)

    def __post_init__(self) -> None:
        self.vehicle = self.town.world.publish(VEHICLE)
        self.food = self.town.world.publish(FOOD)

    def lets_a_rule_decide(self) -> None:
        """The vehicle item is decided by rule from now on."""
        draft = _loaded(VEHICLE, legal_day(self.town.world.clock()))
        route = draft.item.route.model_copy(update={"decided_by": "rule"})
        item = draft.item.model_copy(update={"route": route, "revision": 2})
        self.town.world.catalogue.publish(TENANT, item, draft.layout, "operator:test")
        self.town.world.clock.forward(minutes=1)  # the pointer is remembered so long

    def in_person(self) -> None:
        """The vehicle item is applied for in person from now on."""
        draft = _loaded(VEHICLE, legal_day(self.town.world.clock()))
        rule = draft.item.applicant.model_copy(update={"agents_allowed": False})
        item = draft.item.model_copy(update={"applicant": rule, "revision": 2})
        self.town.world.catalogue.publish(TENANT, item, draft.layout, "operator:test")
        self.town.world.clock.forward(minutes=1)  # the pointer is remembered so long

    # signing in

    def oidc(self, said: Claims) -> Session:
        """A session by the identity provider."""
        return self.session(self.signs_in(said))

    def wechat(self, openid: str) -> Session:
        """A session by WeChat."""
        body = {"provider": "wechat_mini_program", "code": openid}
        return self.session(self.town.call("POST", "/v1/sessions", body=body))

    def signs_in(self, said: Claims) -> Answered:
        """The answer of a sign-in at the identity provider."""
        return self.town.call("POST", "/v1/sessions", body=self.login(said))

    def login(self, said: Claims) -> dict[str, str]:
        """The body that proves a login at the provider."""
        code = f"code-{len(self.town.idp.people)}"
        self.town.idp.people[code] = said
        return {
            "provider": "oidc",
            "code": code,
            "code_verifier": "verifier",
            "nonce": "nonce",
            "redirect_uri": "https://r.example",
        }

    def session(self, answered: Answered) -> Session:
        """The session of an answer's token, as the authoriser hands it on."""
        assert answered.status == 201, answered.body
        key = self.town.key.public
        token = answered.body["access_token"]
        return verify(token, {key.kid: key}, REALM, self.town.world.clock())

    def bind(self, who: Session, body: dict[str, str]) -> Answered:
        """One further login for who is signed in."""
        return self.town.call("POST", "/v1/sessions/bindings", who=who, body=body)

    def bound(self, openid: str, said: Claims) -> Session:
        """A WeChat session of somebody who is proven by the provider as well."""
        who = self.wechat(openid)
        assert self.bind(who, self.login(said)).status == 201
        return who

    # applying

    def form(self, folder: str, **locked: str) -> dict[str, Any]:
        """The example's form, with other values in the fields that are named."""
        day = legal_day(self.town.world.clock())
        example = load_example(CATALOGUE / folder, day)
        item = self.town.world.catalogue.current(TENANT, self.code(folder)).item
        return as_named(item, example.form, locked)

    def code(self, folder: str) -> str:
        """The item's code."""
        return {VEHICLE: self.vehicle, FOOD: self.food}[folder]

    def start(self, who: Session, folder: str = VEHICLE) -> Answered:
        """A new draft."""
        body = {"item_code": self.code(folder)}
        return self.town.call("POST", "/v1/applications", who=who, body=body)

    def save(
        self, who: Session, draft: Answered, form: dict[str, Any], seen: str = ""
    ) -> Answered:
        """The draft's form."""
        return self.town.call(
            "PUT",
            "/v1/applications/{application_id}",
            who=who,
            body={"form": form},
            headers={"If-Match": seen or draft.headers["ETag"]},
            application_id=draft.body["application_id"],
        )

    def upload_all(self, who: Session, draft: Answered, folder: str) -> None:
        """Every material of the example, as if each had been looked at."""
        day = legal_day(self.town.world.clock())
        acting = self.town.world.callers.acting(who)
        from infra.local.files import a_file

        for code, facts in load_example(CATALOGUE / folder, day).materials.items():
            content = a_file(facts["type"], facts["size_bytes"])
            self.town.world.upload(
                acting, draft.body["application_id"], code, content, facts["type"]
            )

    def submit(self, who: Session, draft: Answered) -> Answered:
        """Hands the draft in."""
        return self.town.call(
            "POST",
            "/v1/applications/{application_id}/submission",
            who=who,
            application_id=draft.body["application_id"],
        )

    def applies(self, who: Session, folder: str = VEHICLE, **locked: str) -> Answered:
        """Begins, fills in and hands in; the answer of the first step that failed."""
        draft = self.start(who, folder)
        if draft.status != 201:
            return draft
        proven = draft.body["applicant"]["locked"]
        form = self.form(folder, **{**proven, **locked})
        saved = self.save(who, draft, form)
        if saved.status != 200:
            return saved
        self.upload_all(who, draft, folder)
        return self.submit(who, draft)

    def case(self, who: Session, **locked: str) -> str:
        """The number of a case that was handed in and went as far as it goes."""
        answered = self.applies(who, **locked)
        assert answered.status == 202, answered.body
        self.town.world.run()
        return str(answered.body["case_no"])

    def read(self, who: Session, case_no: str) -> Answered:
        """The case as its applicant sees it."""
        return self.town.call("GET", "/v1/cases/{case_no}", who=who, case_no=case_no)

    # officers

    def officer(self, name: str = "zhao", *roles: Role) -> Session:
        """An officer of the vehicle office, who signed in at the provider."""
        department, uscc = OFFICE
        self.town.officer(
            f"idp-{name}",
            *(roles or (Role.OFFICER,)),
            department=department,
            uscc=uscc,
        )
        return self.oidc(claims(name, sub=f"idp-{name}"))

    def tasks(self, officer: Session) -> list[str]:
        """Case numbers of the officer's work list."""
        answered = self.town.call("GET", "/v1/worklist", who=officer)
        return [task["case_no"] for task in answered.body["tasks"]]

    def decides(
        self, officer: Session, case_no: str, decision: str = "approve"
    ) -> Answered:
        """The officer's decision on what is stored now."""
        now = self.town.world.case(case_no)
        return self.town.call(
            "POST",
            "/v1/staff/cases/{case_no}/decisions",
            who=officer,
            body={
                "decision": decision,
                "reasons": "材料齐全，符合条件。",
                "articles": ["《中华人民共和国食品安全法》第三十五条"],
            },
            headers={"If-Match": f'"v{now.head.version}"'},
            case_no=case_no,
        )
