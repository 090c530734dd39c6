"""Scenario 29, of issue 10: who is who, whose case it is, and who may act for whom.

People sign in by WeChat and by the identity provider and bind the two in either order,
at one moment, crosswise, and with somebody else's; they take logins away, name another
in their form, come by an openid that changed hands, refresh from two tabs. Agents are
offered powers that are revoked or run out between draft, hand-in and payment; officers
are applicants by another login, or agents, and try to decide. `applicant_api` crashes,
hangs and loses answers all the while, and two of its workers serve one person at once.
`who_is_who` hears every commit. At the end each login signs in once more: it lists all
cases of its person, and nobody else's.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeVar

from tests.simulation import registry
from tests.simulation.base import FOOD, HASH_KEY, REPLACEMENT, ReadyDraft, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.logins import Account, Citizen, Tokens, Town
from tests.simulation.many import Played, Sum
from tests.simulation.oracle import Verdict, judge
from tests.simulation.people import Answer
from tests.simulation.registry import form_of
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.simulation import Simulation
from tests.simulation.who_is_who import WhoIsWho
from tests.support.world import TENANT
from zerotrip.cases.lifecycle import Stage
from zerotrip.identity.clients.oidc import CompanyClaims
from zerotrip.identity.model import Level, Provider, Role
from zerotrip.identity.staff import register_officer

Found = TypeVar("Found")
PEOPLE = 1000
OVER_SECONDS = 1800.0
OFTEN = {
    Fault.CRASH_BEFORE: 0.002,
    Fault.CRASH_AFTER: 0.005,
    Fault.HANG_AFTER: 0.001,
    Fault.LOST_ANSWER: 0.005,
    Fault.REFUSED: 0.003,
}
WHERE = ("applicant_api", "staff_api", "submit", "pre_review", "approve")
TERM = timedelta(minutes=40)
"""Of a power that ends before what was to be done under it."""
A_WHILE = (5.0, 120.0)
GONE = "session_refused"
"""Whose session was lost to a late answer cannot begin another without a power."""
OTHERS = 500_000
"""Numbers from here on are of people who are only named."""
STRANGERS = 3
"""So many others ask for each case by its number."""


def run(seed: int, size: Size) -> Outcome:
    """Every way in turn, until all people have theirs."""
    faults = Faults(
        rates=OFTEN, where=lambda actor, _: actor in WHERE, duplicates=0.2,
        most_copies=2,
    )  # fmt: skip
    with Simulation(seed, faults, base(REPLACEMENT, 0), real_licences=0) as run:
        people = Crowd(run, REPLACEMENT, asked_again=40)
        known = WhoIsWho(people, people.names)
        people.begin(size.of(PEOPLE, least=LEAST))
        run.run_until_quiet(12, people.at_rest, look_seconds=30)
        faults.until = run.scheduler.now
        people.look_again(known)
        run.run_until_quiet(2, people.at_rest, look_seconds=30)
        verdict = judge(run, people)
        known.judge(verdict)
        people.judge(verdict)
    total = Sum(SCENARIO.name, seed, size)
    total.add("people", Played(run, people, verdict))
    return total.outcome(
        people=people.numbered, logins=len(people.accounts),
        refreshed_again=people.refreshed_again,
        ends=dict(sorted(people.ends.items())),
    )  # fmt: skip


class Stuck(Exception):
    """Somebody was refused what nothing was in the way of, and cannot go on."""


@dataclasses.dataclass
class Crowd(Town):
    """Each has a way of their own."""

    names: dict[str, str] = dataclasses.field(default_factory=dict)
    numbered: int = 0
    ends: Counter[str] = dataclasses.field(default_factory=Counter)
    let_in: list[str] = dataclasses.field(default_factory=list)
    odd: list[str] = dataclasses.field(default_factory=list)
    """What was answered otherwise than it should be."""
    unseen: list[str] = dataclasses.field(default_factory=list)

    def begin(self, number: int) -> None:
        """Starts ways until so many people have one."""
        ways = self._ways()
        while self.numbered < number:
            way, count = next(ways)
            humans = [self._citizen() for _ in range(count)]
            self.start(
                lambda way=way, humans=humans: self._walk(way, humans),
                self.run.scheduler.random.uniform(0, OVER_SECONDS),
            )

    def _ways(self) -> Iterator[tuple[Callable[..., None], int]]:
        while True:
            yield from WAYS

    def _walk(self, way: Callable[..., None], humans: list[Citizen]) -> None:
        name = way.__name__.strip("_")
        try:
            way(self, *humans)
        except Stuck as stuck:
            self.odd.append(f"{name}: {stuck}")
        self.ends[name] += 1

    def _citizen(self) -> Citizen:
        self.numbered += 1
        made = Citizen.of(self.numbered)
        known = registry.citizen(self.numbered)
        self.names[str(known.id_no)] = str(known.name)
        return made

    # logins

    def _wechat_first(self, one: Citizen) -> None:
        """Not proven, he may write but not hand in; bound, he may."""
        tokens = self._in(one.wechat)
        draft = self._draft(tokens, one.number)
        self._refused(
            self.hands_in(tokens, draft), "below the level", "identity_level_too_low"
        )
        self._settled(self.bind(tokens, one.oidc), "binding one's own")
        self._through(tokens, draft)

    def _another_name_first(self, one: Citizen) -> None:
        """Whoever is not proven may write any name; the hand-in compares."""
        tokens = self._in(one.wechat)
        other = one.number + OTHERS
        draft = self._draft(tokens, one.number, form=form_of(REPLACEMENT, other))
        self._settled(self.bind(tokens, one.oidc), "binding one's own")
        self._refused(
            self.hands_in(tokens, draft), "another's name", "applicant_differs"
        )
        wrong = self.save(tokens, draft, form_of(REPLACEMENT, other))
        self._refused(wrong, "saving another's name", "applicant_differs")
        self.save(tokens, draft, form_of(REPLACEMENT, one.number))
        self._through(tokens, draft)

    def _proven_better_later(self, one: Citizen) -> None:
        """Name and number matched is not enough; the old session rises with him."""
        one.oidc.level = Level.MATCHED
        tokens = self._in(one.oidc)
        draft = self._draft(tokens, one.number)
        self._refused(
            self.hands_in(tokens, draft), "below the level", "identity_level_too_low"
        )
        one.oidc.level = Level.PRESENT
        self._in(one.oidc)
        self._through(tokens, draft)

    def _identity_first(self, one: Citizen) -> None:
        """The WeChat login comes while the case runs, and pays."""
        tokens = self._in(one.oidc)
        case_no = self._number(self.hands_in(tokens, self._draft(tokens, one.number)))
        self.pause(*A_WHILE)
        self._settled(self.bind(tokens, one.wechat), "binding one's own")
        self._finish(self._in(one.wechat), case_no)

    def _both_bind_at_once(self, one: Citizen) -> None:
        """From both sides, and twice from one."""
        by_identity, by_wechat = self._in(one.oidc), self._in(one.wechat)
        self.together(
            lambda: self.bind(by_identity, one.wechat),
            lambda: self.bind(by_wechat, one.oidc),
            lambda: self.bind(by_identity, one.wechat),
        )
        self._through(by_wechat, self._draft(by_identity, one.number))

    def _crossed(self, one: Citizen, other: Citizen) -> None:
        """Two bind each other's logins at the same moment, in all four ways."""
        first, second = self._in(one.oidc), self._in(other.oidc)
        by_phone, by_other_phone = self._in(one.wechat), self._in(other.wechat)
        self.together(
            lambda: self.bind(first, other.wechat),
            lambda: self.bind(second, one.wechat),
            lambda: self.bind(by_phone, one.oidc),
            lambda: self.bind(by_other_phone, other.oidc),
        )
        for citizen, tokens in ((one, first), (other, second)):
            self._through(tokens, self._draft(tokens, citizen.number))

    def _somebody_elses_proof(self, one: Citizen, other: Citizen) -> None:
        """Who is proven cannot become somebody else too."""
        tokens, others = self._in(one.oidc), self._in(other.oidc)
        answers = self.together(
            lambda: self.bind(tokens, other.oidc), lambda: self.bind(others, one.oidc)
        )
        for answer in answers:
            self._refused(answer, "two proven people", "login_bound_elsewhere")

    def _declared_then_proven(self, one: Citizen) -> None:
        """A bound account that only declared another's number comes to prove it."""
        tokens = self._in(one.oidc)
        second = self._second(one, Level.DECLARED)
        self.bind(tokens, second)
        second.level = Level.PRESENT
        if self.sign_in(second) is None:
            self.ends["identity_conflict"] += 1
        self._through(tokens, self._draft(tokens, one.number))

    def _proven_while_bound(self, one: Citizen) -> None:
        """The same at one moment: the account is proven while it is being bound."""
        tokens = self._in(one.oidc)
        second = self._second(one, Level.DECLARED)
        self._in(second)
        proven = dataclasses.replace(second, level=Level.PRESENT, subs=[])
        self.together(
            lambda: self.bind(tokens, second), lambda: self.sign_in(proven), within=0.2
        )

    def _second(self, one: Citizen, level: Level) -> Account:
        """Another account at the provider, which names another number."""
        other = one.number + OTHERS
        return Account(Provider.OIDC, f"second-{one.number}", other, level=level)

    def _too_many(self, one: Citizen) -> None:
        """Nine telephones, two at a time: a person has eight logins at the most."""
        tokens = self._in(one.oidc)
        phones = [one.another_phone(which) for which in range(9)]
        came = 0
        for first, second in zip(phones[::2], [*phones[1::2], one.wechat], strict=True):
            answers = self.together(
                lambda first=first: self.bind(tokens, first),
                lambda second=second: self.bind(tokens, second),
            )
            came += sum(answer.came for answer in answers)
        if came != 7:
            self.odd.append(f"{one.number}: {came} of ten telephones were bound")

    def _taken_away(self, one: Citizen) -> None:
        """A login goes while the case that it began runs on."""
        tokens, phone = self._in(one.oidc), self._in(one.wechat)
        self._settled(self.bind(tokens, one.wechat), "binding one's own")
        case_no = self._number(self.hands_in(phone, self._draft(phone, one.number)))
        spare = one.another_phone()
        self._settled(self.bind(tokens, spare), "binding one's own")
        self.pause(*A_WHILE)
        before = phone.sub
        self.unbind(tokens, before)
        self._refused(
            self._as(phone, "GET", "/v1/cases"), "by a removed login", "session_refused"
        )
        stranger = self._in(one.wechat)
        if stranger.sub == before or self.cases_of(stranger):
            self.let_in.append(f"{case_no}: seen by a login that was taken away")
        self._finish(tokens, case_no)

    def _each_takes_the_other_away(self, one: Citizen) -> None:
        """From both sides at one moment: one of them stays."""
        tokens, phone = self._in(one.oidc), self._in(one.wechat)
        self._settled(self.bind(tokens, one.wechat), "binding one's own")
        case_no = self._number(self.hands_in(tokens, self._draft(tokens, one.number)))
        self.together(
            lambda: self.unbind(tokens, phone.sub),
            lambda: self.unbind(phone, tokens.sub),
            within=0.01,
        )
        path = {"case_no": case_no}
        if self._as(tokens, "GET", "/v1/cases/{case_no}", path=path).came:
            self._finish(tokens, case_no, one)
            return
        if self._as(phone, "GET", "/v1/cases/{case_no}", path=path).came:
            # Whoever is not proven any more is granted nothing.
            self._settled(self.bind(phone, one.oidc), "binding one's own again")
            self._finish(phone, case_no)
            return
        self.unseen.append(f"{case_no}: none of its person's logins is left")

    def _openid_changes_hands(self, one: Citizen, other: Citizen) -> None:
        """WeChat gives the openid to somebody else, who sees nothing of before."""
        one.wechat.unionid = f"union-{one.number}"
        phone = self._in(one.wechat)
        self._settled(self.bind(phone, one.oidc), "binding one's own")
        case_no = self._number(self.hands_in(phone, self._draft(phone, one.number)))
        one.wechat.unionid = f"union-{other.number}"
        self.removed.add(phone.sub)
        stranger = self._in(one.wechat)
        if self.cases_of(stranger):
            self.let_in.append(f"{case_no}: seen by who has the openid now")
        self._refused(
            self._as(phone, "GET", "/v1/cases"), "by who had it", "session_refused"
        )
        self._settled(self.bind(stranger, other.oidc), "binding one's own")
        self._through(stranger, self._draft(stranger, other.number))
        self._finish(self._in(one.oidc), case_no, one)

    def _two_at_once(self, one: Citizen) -> None:
        """Two logins of one person hand in, pay, or take back, at one moment."""
        tokens, phone = self._in(one.oidc), self._in(one.wechat)
        self._settled(self.bind(tokens, one.wechat), "binding one's own")
        draft = self._draft(tokens, one.number)
        answers = self.together(
            lambda: self.hands_in(tokens, draft), lambda: self.hands_in(phone, draft)
        )
        case_no, *others = {self._number(each) for each in answers}
        if others:
            self.odd.append(f"{case_no}: also {others}")
        if self.run.scheduler.random.random() < 0.5 and self.until(
            case_no, Stage.IN_REVIEW
        ):
            self.together(
                lambda: self.takes_back(tokens, case_no),
                lambda: self.takes_back(phone, case_no),
                lambda: self.decide(case_no),
            )
        if self.until(case_no, Stage.IN_REVIEW, Stage.PAYMENT_DUE):
            self.decide(case_no)
            if self.until(case_no, Stage.PAYMENT_DUE):
                self.together(
                    lambda: self.pays(tokens, case_no),
                    lambda: self.pays(phone, case_no),
                )

    def _two_tabs(self, one: Citizen) -> None:
        """A long day: both tabs refresh at the same moment, again and again."""
        tokens = self._in(one.oidc)
        draft = self._draft(tokens, one.number)
        old = [tokens.refresh_token]
        for _ in range(4):
            self.wait_until(tokens.session.expires_at)
            tab = dataclasses.replace(tokens)
            self.together(
                lambda tab=tab: self.session(tab),
                lambda: self.session(tokens),
                within=2,
            )
            old.append(tokens.refresh_token)
        self._settled(self.bind(tokens, one.wechat), "binding one's own")
        self._through(tokens, draft)
        if old[0] != tokens.refresh_token:
            stolen = self.refresh(dataclasses.replace(tokens), presented=old[0])
            self._refused(stolen, "by a token of long ago", "session_refused")

    # agents

    def _agent_all_the_way(self, one: Citizen, agent: Citizen) -> None:
        """From the offer, which both tabs take, to the fee, which the agent pays."""
        own, acting, _ = self._agency(one, agent)
        self._settled(self.bind(self._in(one.wechat), one.oidc), "binding one's own")
        self._settled(self.bind(acting.principal or acting, agent.wechat), "binding")
        self._through(acting, self._draft(acting, one.number))
        self.together(lambda: self.cases_of(own), lambda: self.cases_of(acting))

    def _revoked_before_hand_in(self, one: Citizen, agent: Citizen) -> None:
        """The draft stays the principal's, who hands it in."""
        own, acting, power = self._agency(one, agent)
        draft = self._draft(acting, one.number)
        self._settled(self.revoke(own, power), "revoking one's own power")
        self.pause(20, 60)
        self._refused(
            self.hands_in(acting, draft), "a revoked power", "power_revoked", GONE
        )
        self._through(own, draft, one)

    def _run_out_before_hand_in(self, one: Citizen, agent: Citizen) -> None:
        """The same, by the clock."""
        ends_at = self.run.scheduler.now + TERM
        own, acting, _ = self._agency(one, agent, ends_at=ends_at)
        draft = self._draft(acting, one.number)
        self.wait_until(ends_at + timedelta(seconds=20))
        self._refused(
            self.hands_in(acting, draft), "a power's end", "power_expired", GONE
        )
        self._through(own, draft, one)

    def _revoked_before_payment(self, one: Citizen, agent: Citizen) -> None:
        """By the agent himself; the principal pays."""
        own, acting, power = self._agency(one, agent)
        self._settled(self.bind(acting.principal or acting, agent.wechat), "binding")
        case_no = self._number(self.hands_in(acting, self._draft(acting, one.number)))
        self._decided(case_no)
        who = own if self.run.scheduler.random.random() < 0.5 else acting.principal
        self._settled(self.revoke(who or own, power), "revoking a power")
        self.pause(20, 60)
        self._refused(
            self.pays(acting, case_no), "a revoked power", "power_revoked", GONE
        )
        self._finish(own, case_no, one)

    def _run_out_before_payment(self, one: Citizen, agent: Citizen) -> None:
        """The same, by the clock."""
        ends_at = self.run.scheduler.now + TERM
        own, acting, _ = self._agency(one, agent, ends_at=ends_at)
        self._settled(self.bind(acting.principal or acting, agent.wechat), "binding")
        case_no = self._number(self.hands_in(acting, self._draft(acting, one.number)))
        self._decided(case_no)
        self.wait_until(ends_at + timedelta(seconds=20))
        self._refused(
            self.pays(acting, case_no), "a power's end", "power_expired", GONE
        )
        self._finish(own, case_no, one)

    def _revoked_at_the_bell(self, one: Citizen, agent: Citizen) -> None:
        """Revoked as it is used: either comes first, nothing is lost."""
        own, acting, power = self._agency(one, agent)
        draft = self._draft(acting, one.number)
        self.together(
            lambda: self.revoke(own, power), lambda: self.hands_in(acting, draft),
            lambda: self.hands_in(own, draft), within=0.4,
        )  # fmt: skip
        self._through(own, draft, one)

    def _two_agents_at_once(self, one: Citizen, agent: Citizen, other: Citizen) -> None:
        """Both, and the principal, hand one draft in; one of them loses the power."""
        own, acting, power = self._agency(one, agent)
        theirs = self._in(other.oidc)
        second = self._offered(own, other)
        self._settled(self.accept(theirs, second), "accepting one's own power")
        third = self._acting(theirs, second)
        draft = self._draft(acting, one.number)
        answers = self.together(
            lambda: self.hands_in(acting, draft),
            lambda: self.hands_in(third, draft),
            lambda: self.hands_in(own, draft),
        )
        case_no, *others = {self._number(each) for each in answers}
        if others:
            self.odd.append(f"{case_no}: also {others}")
        self._settled(self.revoke(own, power), "revoking one's own power")
        self.pause(20, 60)
        self._refused(
            self.takes_back(acting, case_no), "a revoked power", "power_revoked", GONE
        )
        self._settled(self.bind(theirs, other.wechat), "binding one's own")
        self._finish(third, case_no)

    def _agency(
        self, one: Citizen, agent: Citizen, **more: Any
    ) -> tuple[Tokens, Tokens, str]:
        """The principal's tokens, those of the agent for him, and the power."""
        own, theirs = self._in(one.oidc), self._in(agent.oidc)
        power = self._offered(own, agent, **more)
        stranger = self._as(own, "POST", "/v1/powers/{power_id}/acceptance",
                            path={"power_id": power})  # fmt: skip
        self._refused(stranger, "not offered to them", "power_unknown")
        self.pause(*A_WHILE)
        for answer in self.together(
            lambda: self.accept(theirs, power), lambda: self.accept(theirs, power)
        ):
            self._settled(answer, "accepting one's own power")
        acting = self._acting(theirs, power)
        return own, acting, power

    def _offered(self, own: Tokens, agent: Citizen, **more: Any) -> str:
        return _there(self.offer(own, agent.number, **more), "no power was offered")

    def _acting(self, agent: Tokens, power: str) -> Tokens:
        return _there(self.act_for(agent, power), "cannot act under a power")

    def _company(self, agent: Citizen) -> None:
        """An agent whose authority the provider ends; the next sign-in renews it."""
        account = Account(Provider.OIDC, agent.oidc.identity, agent.number)
        firm = registry.company(agent.number)
        self.names[str(firm.corp_uscc)] = str(firm.corp_name)
        ends_at = (self.run.scheduler.now + TERM).replace(microsecond=0)
        account.company = CompanyClaims(
            name=str(firm.corp_name), uscc=str(firm.corp_uscc), kind="company",
            status="active", representative=firm.corp_representative,
            representative_no=None, role="agent", powers=frozenset({"all"}),
            items=None, source="provider", until=ends_at,
        )  # fmt: skip
        tokens = self._in(account)
        draft = self._draft(tokens, agent.number, FOOD)
        self.wait_until(ends_at + timedelta(seconds=20))
        self._refused(
            self.hands_in(tokens, draft), "a power's end", "power_expired", GONE
        )
        until = ends_at + timedelta(days=20)
        account.company = dataclasses.replace(account.company, until=until)
        again = self._in(account)
        case_no = self._number(self.hands_in(again, draft))
        if self.until(case_no, Stage.IN_REVIEW):
            self._decision(case_no, FOOD)

    # officers

    def _officer_by_another_login(self, one: Citizen) -> None:
        """Bound before he applied: the case is his own, by whichever login."""
        staff = self._officer(one)
        self._settled(self.bind(staff, one.wechat), "binding one's own")
        phone = self._in(one.wechat)
        case_no = self._number(self.hands_in(phone, self._draft(phone, one.number)))
        self._tries(staff, case_no)
        self._finish(phone, case_no)

    def _officer_bound_later(self, one: Citizen) -> None:
        """Applied by accounts that nobody had bound with the officer's; then bound."""
        account = Account(Provider.OIDC, f"private-{one.number}", one.number)
        phone = self._in(one.wechat)
        self._settled(self.bind(phone, account), "binding one's own")
        staff = self._officer(one)
        case_no = self._number(self.hands_in(phone, self._draft(phone, one.number)))
        if self.until(case_no, Stage.IN_REVIEW):
            self.together(
                lambda: self.bind(staff, one.wechat),
                lambda: self._tries(staff, case_no),
                within=0.5,
            )
        self._tries(staff, case_no)
        self._finish(phone, case_no)

    def _officer_as_agent(self, one: Citizen, agent: Citizen) -> None:
        """Who acted for the applicant does not decide."""
        staff = self._officer(agent)
        self._settled(self.bind(staff, agent.wechat), "binding one's own")
        own, theirs = self._in(one.oidc), self._in(agent.wechat)
        power = self._offered(own, agent)
        self._settled(self.accept(theirs, power), "accepting one's own power")
        acting = self._acting(theirs, power)
        draft = self._draft(acting, one.number)
        case_no = self._number(self.hands_in(acting, draft))
        self._tries(staff, case_no)
        self._finish(acting, case_no)

    def _officers_kin(self, one: Citizen, officer: Citizen) -> None:
        """Nor does who declared the applicant to be a relative."""
        staff = self._officer(officer)
        number = registry.citizen_number(one.number)
        declared = self._as(
            staff, "POST", "/v1/staff/kin", app="staff_api",
            body={"relation": "collateral", "number": number},
        )  # fmt: skip
        self._settled(declared, "declaring kin")
        own = self._in(one.oidc)
        case_no = self._number(self.hands_in(own, self._draft(own, one.number)))
        self._tries(staff, case_no)
        self._finish(own, case_no, one)

    def _officer(self, one: Citizen) -> Tokens:
        """Registers them in the office that decides, and signs them in."""
        _, uscc, department = self.run.base.officers[REPLACEMENT]
        register_officer(
            self.run.store, HASH_KEY.encode(), TENANT, one.oidc.identity,
            organisation=uscc, department=department,
            roles=frozenset({Role.OFFICER}), mint=self.run.mint,
        )  # fmt: skip
        one.oidc.staff = True
        return self._in(one.oidc)

    def _tries(self, staff: Tokens, case_no: str) -> None:
        """An officer looks at a case of their own, and decides it."""
        if not self.until(case_no, Stage.IN_REVIEW):
            return
        shown, decided, listed = self.decides(staff, case_no)
        self._refused(shown, f"{case_no}: shown to its own party", "own_case")
        self._refused(decided, f"{case_no}: decided by its own party", "own_case")
        if case_no in listed:
            self.let_in.append(f"{case_no}: on its own party's list")

    # what all do

    def _in(self, account: Account) -> Tokens:
        return _there(self.sign_in(account), f"{account.identity} cannot sign in")

    def _draft(
        self, tokens: Tokens, number: int, *rest: Any, **more: Any
    ) -> ReadyDraft:
        draft = self.draft(tokens, number, *rest, **more)
        return _there(draft, f"{number} cannot write a draft")

    def _number(self, answer: Answer) -> str:
        if not answer.came:
            raise Stuck(f"not handed in: {answer.status} {answer.code}")
        return str(answer.body["case_no"])

    def _through(
        self, tokens: Tokens, draft: ReadyDraft, payer: Citizen | None = None
    ) -> None:
        """Hands in and goes to the end of the case."""
        self._finish(tokens, self._number(self.hands_in(tokens, draft)), payer)

    def _finish(
        self, tokens: Tokens, case_no: str, payer: Citizen | None = None
    ) -> None:
        """An officer who is nobody's relative approves, and the fee is paid."""
        self._decided(case_no)
        if not self.until(case_no, Stage.PAYMENT_DUE):
            return
        answer = self.pays(tokens, case_no)
        if answer.code == "payer_unknown":
            # No login of this person is WeChat's: a telephone is bound, and pays.
            citizen = payer or Citizen.of(tokens.account.number)
            self._settled(self.bind(tokens, citizen.another_phone(9)), "binding")
            answer = self.pays(tokens, case_no)
        self._settled(answer, f"paying {case_no}")

    def _decided(self, case_no: str) -> None:
        if self.until(case_no, Stage.IN_REVIEW):
            self._decision(case_no)

    def _decision(self, case_no: str, folder: str = REPLACEMENT) -> None:
        self.pause(*self.patience)
        self._settled(self.decide(case_no, folder=folder), f"deciding {case_no}")

    def _refused(self, answer: Answer, what: str, *codes: str) -> None:
        """Nothing of the kind may come about."""
        if answer.came:
            self.let_in.append(what)
        elif answer.code not in codes:
            self.odd.append(f"{what}: {answer.status} {answer.code}")

    def _settled(self, answer: Answer, what: str) -> None:
        """Nothing is in its way."""
        if not answer.came:
            self.odd.append(f"{what}: {answer.status} {answer.code}")

    # once more

    def look_again(self, known: WhoIsWho) -> None:
        """Each account signs in without faults, and looks at all that there is."""
        cases = {case_no: each.sub for case_no, each in known.received.items()}
        for account in list(self.accounts):
            if not account.staff:
                self.start(
                    lambda account=account: self._looks(account, known, cases),
                    self.run.scheduler.random.uniform(0, 600),
                )

    def _looks(self, account: Account, known: WhoIsWho, cases: dict[str, str]) -> None:
        tokens = self.sign_in(account)
        if tokens is None:
            self.ends["sign-in refused"] += 1
            return
        people = known.members(tokens.sub)
        own = {case_no for case_no, sub in cases.items() if sub in people}
        shown = self.cases_of(tokens)
        self.unseen += [f"{each}: not listed to its person" for each in own - shown]
        self.let_in += [f"{each}: listed to somebody else" for each in shown - own]
        for case_no in sorted(own):
            self._sees(tokens, case_no, sees=True)
        others = sorted(set(cases) - own)
        dice = self.run.scheduler.random
        for case_no in dice.sample(others, min(STRANGERS, len(others))):
            self._sees(tokens, case_no, sees=False)

    def _sees(self, tokens: Tokens, case_no: str, *, sees: bool) -> None:
        path = {"case_no": case_no}
        answer = self._as(tokens, "GET", "/v1/cases/{case_no}", path=path)
        if sees and not answer.came:
            self.unseen.append(f"{case_no}: {answer.status} to its person")
        elif not sees and answer.status != 404:
            self.let_in.append(f"{case_no}: {answer.status} to somebody else")

    def judge(self, verdict: Verdict) -> None:
        """What people were told that they should not have been, or were not."""
        verdict.let_in += self.let_in
        verdict.broken += self.odd
        verdict.lost += self.unseen


def _there(found: Found | None, otherwise: str) -> Found:
    """What there must be. Raises Stuck."""
    if found is None:
        raise Stuck(otherwise)
    return found


WAYS: tuple[tuple[Callable[..., None], int], ...] = (
    (Crowd._wechat_first, 1),
    (Crowd._another_name_first, 1),
    (Crowd._proven_better_later, 1),
    (Crowd._identity_first, 1),
    (Crowd._both_bind_at_once, 1),
    (Crowd._crossed, 2),
    (Crowd._somebody_elses_proof, 2),
    (Crowd._declared_then_proven, 1),
    (Crowd._proven_while_bound, 1),
    (Crowd._too_many, 1),
    (Crowd._taken_away, 1),
    (Crowd._each_takes_the_other_away, 1),
    (Crowd._openid_changes_hands, 2),
    (Crowd._two_at_once, 1),
    (Crowd._two_tabs, 1),
    (Crowd._agent_all_the_way, 2),
    (Crowd._revoked_before_hand_in, 2),
    (Crowd._run_out_before_hand_in, 2),
    (Crowd._revoked_before_payment, 2),
    (Crowd._run_out_before_payment, 2),
    (Crowd._revoked_at_the_bell, 2),
    (Crowd._two_agents_at_once, 3),
    (Crowd._company, 1),
    (Crowd._officer_by_another_login, 1),
    (Crowd._officer_bound_later, 1),
    (Crowd._officer_as_agent, 2),
    (Crowd._officers_kin, 2),
)
"""Each way and how many people it takes."""
LEAST = sum(count for _, count in WAYS)
"""Everybody's way once."""

SCENARIO = Scenario(
    29,
    "people-and-logins",
    "人与登录：绑定、解绑、交叉绑定、委托到期或撤销、工作人员办自己的事",
    "People bind logins, let others act, revoke; officers meet their own cases",
    run,
)
