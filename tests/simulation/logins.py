"""People with several logins: they sign in, bind, let others act, and act for others.

Everything goes through the real `applicant_api` and `staff_api`. A client keeps its
tokens as the mini-program does: it refreshes when the access token is over, asks again
where no answer came, and signs in anew where its session is gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from infra.local.files import a_file
from tests.simulation import registry
from tests.simulation.base import REPLACEMENT, ReadyDraft
from tests.simulation.people import Answer, People
from tests.simulation.registry import example, form_of
from tests.simulation.simulation import ENVIRONMENT, TokenKey
from tests.simulation.vouching import proof_of
from tests.support.world import TENANT
from zerotrip.cases.lifecycle import FINAL, Stage
from zerotrip.cases.model import case_key
from zerotrip.catalogue.model import Item
from zerotrip.identity.authorise import Authoriser
from zerotrip.identity.clients.oidc import Claims, CompanyClaims
from zerotrip.identity.clients.wechat_mini_program import WeChatLogin
from zerotrip.identity.model import Level, Provider, Session
from zerotrip.identity.officers import Officers
from zerotrip.identity.tokens import Realm
from zerotrip.kernel import times
from zerotrip.web.exchange import version_tag

SESSIONS = "/v1/sessions"
BINDINGS = "/v1/sessions/bindings"
POWERS = "/v1/powers"
APPLICATION = "/v1/applications/{application_id}"
CASE = "/v1/cases/{case_no}"
CODE_REFUSED = "login_code_refused"
EARLY = timedelta(seconds=30)
"""A client takes a new access token so long before the old one ends."""
LOOK_SECONDS = 5.0
WAITS = timedelta(hours=8)


@dataclass(eq=False)
class Account:
    """One way in: at WeChat, or at the identity provider. `number` is its citizen's.

    What the provider says may change: its level, WeChat's `unionid`, the company for
    which the person signs in. `subs` are those to which it led, in order.
    """

    provider: Provider
    identity: str
    number: int
    level: Level = Level.PRESENT
    unionid: str | None = None
    company: CompanyClaims | None = None
    staff: bool = False
    subs: list[str] = field(default_factory=list)

    @property
    def sub(self) -> str:
        """Where it led last."""
        return self.subs[-1]

    def vouched(self) -> WeChatLogin | Claims:
        """What the provider says of it now."""
        if self.provider is Provider.WECHAT:
            return WeChatLogin(self.identity, self.unionid)
        known = registry.citizen(self.number)
        return Claims(
            issuer="https://identity.example.invalid",
            sub=self.identity,
            name=str(known.name),
            id_type=str(known.id_type),
            id_no=str(known.id_no),
            level=self.level,
            kind="natural" if self.company is None else "legal",
            company=self.company,
        )


@dataclass(eq=False)
class Citizen:
    """Somebody with an account at the identity provider and one at WeChat."""

    number: int
    oidc: Account
    wechat: Account

    @classmethod
    def of(cls, number: int) -> Citizen:
        """The so-maniest citizen, who has never been here."""
        return cls(
            number,
            Account(Provider.OIDC, f"citizen-{number}", number),
            Account(Provider.WECHAT, registry.openid(number), number),
        )

    def another_phone(self, which: int = 1) -> Account:
        """A further account at WeChat."""
        openid = f"{registry.openid(self.number)}-{which}"
        return Account(Provider.WECHAT, openid, self.number)


@dataclass(eq=False)
class Tokens:
    """What a client holds after it signed in: by an account, or under a power."""

    account: Account
    session: Session
    refresh_token: str
    signed_in_at: datetime
    power: str | None = None
    principal: Tokens | None = None
    """Whose tokens opened a session under a power: those of the agent's own."""

    @property
    def sub(self) -> str:
        """For whom it acts."""
        return self.session.sub


@dataclass
class Town(People):
    """Everybody, by whichever account they come."""

    act: bool = False
    accounts: list[Account] = field(default_factory=list)
    """All that ever signed in."""
    bound: list[tuple[str, str]] = field(default_factory=list)
    """Pairs of logins of which somebody was told that they are one person's."""
    payers: dict[str, set[str]] = field(default_factory=dict)
    """By openid: the logins that it was bound to, or led to."""
    removed: set[str] = field(default_factory=set)
    """Logins that were taken away from their person, or may have been."""
    successors: dict[str, set[str]] = field(default_factory=dict)
    """By refresh token: the ones that were answered to it."""
    refreshed_again: int = 0
    """How often a token that had been used got an answer all the same."""
    on_refused: Callable[[Tokens], None] = lambda _: None
    """Hears of each client whose refresh token was refused."""
    _marks: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    # signing in

    def sign_in(self, account: Account) -> Tokens | None:
        """Tokens for the account; None where it is refused for good."""
        answer = self._with_code(account, "POST", SESSIONS, lambda: None)
        if not answer.came:
            return None
        tokens = self._granted(account, answer.body)
        person = tokens.session.actor or tokens.sub
        if account not in self.accounts:
            self.accounts.append(account)
        if not account.subs or account.sub != person:
            account.subs.append(person)
        self.payers.setdefault(account.identity, set()).add(person)
        return tokens

    def session(self, tokens: Tokens) -> Session:
        """A session that still holds: the one held, refreshed, or a new one."""
        if self.run.scheduler.now < tokens.session.expires_at - EARLY:
            return tokens.session
        self.refresh(tokens)
        return tokens.session

    def refresh(self, tokens: Tokens, presented: str = "") -> Answer:
        """The next pair of tokens; where the session is gone, the account signs in."""
        token = presented or tokens.refresh_token
        answer = self.insist(
            "applicant_api", "POST", f"{SESSIONS}/refresh",
            who=lambda: None, body={"refresh_token": token},
        )  # fmt: skip
        if answer.came:
            following = str(answer.body["refresh_token"])
            self.refreshed_again += token in self.successors
            self.successors.setdefault(token, set()).add(following)
            tokens.session = self._authorised(answer.body["access_token"])
            tokens.refresh_token = following
            return answer
        if not presented:
            if answer.code:
                self.on_refused(tokens)
            self._begin_again(tokens)
        return answer

    def _begin_again(self, tokens: Tokens) -> None:
        if tokens.power is not None and tokens.principal is not None:
            fresh = self.act_for(tokens.principal, tokens.power)
        else:
            fresh = self.sign_in(tokens.account)
        if fresh is not None:
            tokens.session = fresh.session
            tokens.refresh_token = fresh.refresh_token
            tokens.signed_in_at = fresh.signed_in_at

    def _granted(self, account: Account, body: Mapping[str, Any]) -> Tokens:
        return Tokens(
            account,
            self._authorised(body["access_token"]),
            str(body["refresh_token"]),
            self.run.scheduler.now,
        )

    def _authorised(self, access_token: str) -> Session:
        """Whom the authoriser sees in it."""
        key = TokenKey(self.run.outside).public_key()
        authoriser = Authoriser(
            TENANT,
            Realm(
                ENVIRONMENT["PUBLIC_BASE_URL"],
                f"zerotrip-{ENVIRONMENT['ZEROTRIP_STAGE']}",
            ),
            lambda: {key.kid: key},
            Officers(self.run.store),
            self.run.scheduler,
        )
        return authoriser.session(access_token)

    def _with_code(
        self,
        account: Account,
        method: str,
        route: str,
        who: Callable[[], Session | None],
    ) -> Answer:
        """A request that hands a code over; a used one is followed by a new one."""
        for _ in range(self.asked_again):
            code = self.run.vouching.code(account.vouched())
            if account.provider is Provider.WECHAT:
                body = {"provider": "wechat_mini_program", "code": code}
            else:
                verifier, nonce, redirect = proof_of(code)
                body = {
                    "provider": "oidc",
                    "code": code,
                    "code_verifier": verifier,
                    "nonce": nonce,
                    "redirect_uri": redirect,
                }
            answer = self.insist("applicant_api", method, route, who=who, body=body)
            if answer.code != CODE_REFUSED:
                return answer
        self.unanswered += 1
        return answer

    # who is who

    def bind(self, tokens: Tokens, other: Account) -> Answer:
        """Makes another account one of the person's, by a fresh sign-in of both."""
        # Before the request: the answer may be lost, and the login bound.
        self.payers.setdefault(other.identity, set()).add(tokens.sub)
        answer = Answer(0)
        for _ in range(self.asked_again):
            answer = self._with_code(
                other, "POST", BINDINGS, lambda: self.session(tokens)
            )
            if answer.code != "proof_not_fresh":
                break
            if (fresh := self.sign_in(tokens.account)) is None:
                return answer
            tokens.session = fresh.session
            tokens.refresh_token = fresh.refresh_token
        if answer.came:
            listed = [each["binding_id"] for each in answer.body["bindings"]]
            self.bound += [(tokens.sub, each) for each in listed if each != tokens.sub]
        return answer

    def unbind(self, tokens: Tokens, login: str) -> Answer:
        """Takes a login away; that it is away already is as good."""
        # Before the request: whatever became of it, the login may be gone.
        self.removed.add(login)
        return self.insist(
            "applicant_api", "DELETE", f"{BINDINGS}/{{binding_id}}",
            who=lambda: self.session(tokens), path={"binding_id": login},
        )  # fmt: skip

    # powers

    def offer(
        self, tokens: Tokens, agent: int, ends_at: datetime | None = None, **more: Any
    ) -> str | None:
        """Lets that citizen act; the power's id."""
        known = registry.citizen(agent)
        body = {
            "agent_name": known.name,
            "agent_number": known.id_no,
            "acts": ["all"],
            **({} if ends_at is None else {"ends_at": times.to_text(ends_at)}),
            **more,
        }
        answer = self._as(tokens, "POST", POWERS, body=body, key=self._key("offer"))
        return str(answer.body["power_id"]) if answer.came else None

    def accept(self, tokens: Tokens, power: str) -> Answer:
        """Takes what was offered."""
        path = {"power_id": power}
        return self._as(tokens, "POST", f"{POWERS}/{{power_id}}/acceptance", path=path)

    def act_for(self, tokens: Tokens, power: str) -> Tokens | None:
        """Tokens of a session in which one acts for the principal."""
        path = {"power_id": power}
        answer = self._as(tokens, "POST", f"{POWERS}/{{power_id}}/sessions", path=path)
        if not answer.came:
            return None
        made = self._granted(tokens.account, answer.body)
        return replace(made, power=power, principal=tokens)

    def revoke(self, tokens: Tokens, power: str) -> Answer:
        """Ends it."""
        path = {"power_id": power}
        return self._as(tokens, "DELETE", f"{POWERS}/{{power_id}}", path=path)

    # an application and its case

    def draft(
        self,
        tokens: Tokens,
        number: int,
        folder: str = REPLACEMENT,
        form: Mapping[str, Any] | None = None,
    ) -> ReadyDraft | None:
        """An application of that citizen or company, complete; None where refused."""
        item = self.run.base.codes[folder]
        begun = self._as(
            tokens, "POST", "/v1/applications",
            body={"item_code": item}, key=self._key("start"),
        )  # fmt: skip
        if not begun.came:
            return None
        made = ReadyDraft(str(begun.body["application_id"]), tokens.sub, 0, number)
        if not self.save(tokens, made, form or form_of(folder, number)).came:
            return None
        for code, facts in example(folder).materials.items():
            self._upload(tokens, made, code, facts)
        return made

    def save(
        self, tokens: Tokens, draft: ReadyDraft, form: Mapping[str, Any]
    ) -> Answer:
        """Saves a form, over whatever lay there: an answer may have been lost."""
        path = {"application_id": draft.application}
        answer = Answer(0)
        for _ in range(self.asked_again):
            seen = self._as(tokens, "GET", APPLICATION, path=path)
            if not seen.came:
                return seen
            answer = self._as(
                tokens, "PUT", APPLICATION,
                path=path, body={"form": form}, seen=seen.headers["ETag"],
            )  # fmt: skip
            if answer.code != "draft_changed":
                break
        return answer

    def _upload(
        self, tokens: Tokens, draft: ReadyDraft, code: str, facts: Mapping[str, Any]
    ) -> None:
        content = a_file(facts["type"], facts["size_bytes"])
        answer = self._as(
            tokens, "POST", f"{APPLICATION}/materials",
            path={"application_id": draft.application},
            body={
                "material": code,
                "content_type": facts["type"],
                "size_bytes": len(content),
            },
            key=self._key("upload"),
        )  # fmt: skip
        if answer.came:
            key = answer.body["upload"]["fields"]["key"]
            self.run.buckets["uploads"].put(key, content, content_type=facts["type"])

    def hands_in(self, tokens: Tokens, draft: ReadyDraft, device: str = "") -> Answer:
        """The hand-in, and who is told its number."""
        answer = self._as(
            tokens, "POST", f"{APPLICATION}/submission",
            path={"application_id": draft.application},
            key=f"hand-in-{draft.application}-{device or self._key('device')}",
            again=("material_unchecked",),
        )  # fmt: skip
        if answer.came:
            self.acknowledged[str(answer.body["case_no"])] = draft
        return answer

    def pays(self, tokens: Tokens, case_no: str) -> Answer:
        """Opens the bill, and pays it with the client's own WeChat."""
        path = {"case_no": case_no}
        seen = self._as(tokens, "GET", CASE, path=path)
        if not seen.came:
            return seen
        opened = self._as(
            tokens, "POST", f"{CASE}/payments",
            path=path, body={"channel": "wechat_pay"}, seen=seen.headers["ETag"],
            again=("bill_not_ready",),
        )  # fmt: skip
        if opened.came:
            self.pay_at_channel(opened.body)
        return opened

    def takes_back(self, tokens: Tokens, case_no: str) -> Answer:
        """Withdraws the case."""
        path = {"case_no": case_no}
        seen = self._as(tokens, "GET", CASE, path=path)
        if not seen.came:
            return seen
        return self._as(
            tokens, "POST", f"{CASE}/withdrawal",
            path=path, key=self._key("withdraw"), seen=seen.headers["ETag"],
        )  # fmt: skip

    def cases_of(self, tokens: Tokens) -> set[str]:
        """The numbers that the list shows."""
        answer = self._as(tokens, "GET", "/v1/cases")
        if not answer.came:
            return set()
        return {str(each["case_no"]) for each in answer.body["cases"]}

    # officers

    def decides(self, tokens: Tokens, case_no: str) -> tuple[Answer, Answer, set[str]]:
        """An officer looks and decides, whatever they are shown; and their list."""
        path = {"case_no": case_no}
        now = self.case(case_no)
        seen = version_tag(now.head.version if now is not None else 1)
        shown = self._as(
            tokens, "GET", "/v1/staff/cases/{case_no}", app="staff_api", path=path
        )
        decided = self._as(
            tokens, "POST", "/v1/staff/cases/{case_no}/decisions", app="staff_api",
            path=path, seen=seen, key=self._key("decide"),
            body={"decision": "approve", "reasons": "材料齐全，符合条件。"},
        )  # fmt: skip
        listed = self._as(tokens, "GET", "/v1/worklist", app="staff_api")
        tasks = listed.body["tasks"] if listed.came else []
        return shown, decided, {str(each["case_no"]) for each in tasks}

    def item(self, code: str) -> Item:
        """The item of that code."""
        (folder,) = (name for name, each in self.run.base.codes.items() if each == code)
        return registry.item(folder).item

    # waiting

    def at_rest(self) -> bool:
        """Whether nobody is at it and every acknowledged case is at its end."""
        if self.busy:
            return False
        ends = {str(stage) for stage in FINAL}
        keys = (case_key(TENANT, case_no) for case_no in self.acknowledged)
        heads = (self.run.store.get("records", key.pk, "HEAD") for key in keys)
        return all(head is not None and head.stage in ends for head in heads)

    def until(self, case_no: str, *stages: Stage) -> bool:
        """Waits for one of the stages, or the end; whether one of them came."""
        scheduler = self.run.scheduler
        late = scheduler.now + WAITS
        while scheduler.now < late:
            now = self.case(case_no)
            if now is not None and now.stage in (*stages, *FINAL):
                return now.stage in stages
            scheduler.sleep(LOOK_SECONDS)
        return False

    def wait_until(self, moment: datetime) -> None:
        """Waits for an instant, if it is not past."""
        wait = (moment - self.run.scheduler.now).total_seconds()
        self.run.scheduler.sleep(max(0.0, wait))

    def pause(self, least: float, most: float) -> None:
        """Some seconds in between."""
        self.run.scheduler.sleep(self.run.scheduler.random.uniform(least, most))

    def together(self, *acts: Callable[[], Any], within: float = 0.05) -> list[Any]:
        """Several act at about the same moment; what came of each."""
        scheduler, came = self.run.scheduler, [None] * len(acts)
        waiting = [len(acts)]

        def one(place: int, act: Callable[[], Any]) -> None:
            came[place] = act()
            waiting[0] -= 1

        for place, act in enumerate(acts):
            self.start(
                lambda place=place, act=act: one(place, act),
                scheduler.random.uniform(0, within),
            )
        while waiting[0]:
            scheduler.sleep(1)
        return came

    def _as(
        self,
        tokens: Tokens,
        method: str,
        route: str,
        *,
        app: str = "applicant_api",
        again: Sequence[str] = (),
        **request: Any,
    ) -> Answer:
        return self.insist(
            app, method, route, who=lambda: self.session(tokens), again=again, **request
        )

    def _key(self, what: str) -> str:
        return f"{what}-{next(self._marks):06}"
