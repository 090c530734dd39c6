"""Who is a victim by another login, or acts for one: now, in part, or no longer.

A company has no login: it is reached by whoever acts for it. Its column of another
login is one of the person's who acts for it now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from tests.access import people
from tests.access.people import Registry, session
from zerotrip.identity.model import (
    Level,
    Login,
    Person,
    Provider,
    Role,
    Session,
    SubjectKind,
)
from zerotrip.identity.power_store import mark_of
from zerotrip.identity.powers import (
    EVERY_ACT,
    Act,
    Power,
    PowerSource,
    PowerState,
    Scope,
)
from zerotrip.identity.recusal import Recusal
from zerotrip.identity.rows import number_mark

AGENT = "SYNTHETIC0AGENTOFVICTIMS00"
AGENT_IN_LIFE = Person(name="孙示例", id_type="111", id_no="999999199107070076")
GIVER = "SYNTHETIC0GIVER00000000000"
DECEASED = ("SYNTHETIC0DECEASED00000000", "SYNTHETIC0DECEASEDS0OTHER0")
"""Two logins of one person; the register spoke of the one that is proven."""
KEEPER = "SYNTHETIC0KEEPER0000000000"
FORMER_REPRESENTATIVE = "the number of who represented the company before"
ROLES = {"citizen": Role.CITIZEN, "company": Role.COMPANY}

OTHER_LOGIN, AGENT_NOW = "other_login", "agent"
LACKING = "agent_lacking_act"
OF_OTHER_ITEM, OF_OTHER_CASE = "agent_of_other_item", "agent_of_other_case"
EXPIRED, REVOKED = "agent_expired", "agent_revoked"
BY_FORMER_REPRESENTATIVE = "agent_by_former_representative"
OF_THE_DECEASED = "agent_of_the_deceased"
REMOVED, GIVEN_AWAY = "login_removed", "openid_given_away"
NEW_HOLDER = "openid_new_holder"
APPLIED, KIN_APPLIED = "officer_who_applied", "officer_whose_kin_applied"
VOUCHED, ACTED = "officer_who_vouched", "officer_who_acted"

ENDED = {
    EXPIRED: "power_expired",
    REVOKED: "power_revoked",
    BY_FORMER_REPRESENTATIVE: "representative_changed",
    OF_THE_DECEASED: "principal_deceased",
}
"""Columns of powers that ended, and the code that says how."""
NARROW = (OF_OTHER_ITEM, OF_OTHER_CASE)
FORMER = (REMOVED, GIVEN_AWAY)
ACTING = (AGENT_NOW, LACKING, *NARROW)
"""Columns of powers that hold, be it for less than what is asked."""
RECUSED = (APPLIED, KIN_APPLIED, VOUCHED, ACTED)
COLUMNS = (
    OTHER_LOGIN,
    AGENT_NOW,
    LACKING,
    *NARROW,
    *ENDED,
    *FORMER,
    NEW_HOLDER,
    *RECUSED,
)
FOR_EACH_VICTIM = (OTHER_LOGIN, AGENT_NOW, *NARROW, *ENDED, *FORMER)


def name_of(column: str, who: str, act: Act | None) -> str:
    """Whose session a column is, where `who` is the victim and `act` the route's."""
    victim = who if who in ROLES else "citizen"
    if column == LACKING:
        return f"{column} {act or Act.APPLY} of {victim}"
    return f"{column} of {victim}" if column in FOR_EACH_VICTIM else column


@dataclass(frozen=True)
class Victims:
    """The victims' logins and numbers, as both worlds made them.

    `by_oidc` is the login by which the citizen is proven, `citizen` the one that
    applied; `manager` acts for the company under `power`.
    """

    citizen: str
    by_oidc: str
    name: str
    number: str
    company: str
    manager: str
    power: str
    representative: str | None


@dataclass(frozen=True)
class Cast:
    """Makes them, with the product's own commands where it has some."""

    registry: Registry
    victims: Victims

    def things(self) -> dict[str, str]:
        """A power of each kind, and a login, that are the citizen's own."""
        registry, citizen = self.registry, self.victims.citizen
        giver = registry.enrol(GIVER, people.STRANGER)
        keeper = registry.enrol(KEEPER, people.STRANGER)
        now = registry.clock()
        proven = registry.subjects.identities.proven(
            registry.tenant, registry.subjects.persons.of(registry.tenant, citizen)
        )
        if proven is None:
            raise RuntimeError("the citizen is not proven")
        offered = registry.power(
            giver,
            None,
            state=PowerState.OFFERED,
            offered_to=mark_of(registry.hash_key, proven),
            starts_at=now,
            accepted_at=None,
        )
        return {
            "power_given": registry.power(citizen, keeper).id,
            "power_held": registry.power(giver, citizen).id,
            "power_offered": offered.id,
            "binding": self._bound(citizen, self._openid("spare")),
            "code": registry.shows_a_code(citizen, people.WINDOW_CODE),
            "guardians_code": registry.shows_a_code(citizen, people.GUARDIANS_CODE),
            "name": self.victims.name,
            "number": self.victims.number,
        }

    def sessions(self, elsewhere: Mapping[str, str]) -> dict[str, Session]:
        """By name; `elsewhere` is per victim the code of an item not applied for."""
        # As well as the citizen was, who was seen at a window: answers say how well.
        self.registry.enrol(AGENT, AGENT_IN_LIFE, level=Level.STRONG)
        self._bound(AGENT, self._openid("agent"))  # who pays, pays with a WeChat login
        return {
            **self._logins(),
            **self._agents(elsewhere),
            **self._recused(),
            "agent_in_person": session(self.victims.manager, Role.CITIZEN),
        }

    def _wechat(self, openid: str, holder: str | None = None) -> str:
        """The login behind an openid, which WeChat says is that holder's."""
        return self.registry.subjects.enter(
            self.registry.tenant,
            Login(Provider.WECHAT, openid),
            SubjectKind.NATURAL,
            Person(openid=openid, unionid=holder),
        ).sub

    def _bound(self, owner: str, openid: str, holder: str | None = None) -> str:
        """A new login, made that person's."""
        login = self._wechat(openid, holder)
        self.registry.subjects.join(self.registry.tenant, owner, login)
        return login

    def _openid(self, name: str) -> str:
        return f"oAccess-{name}-{self.registry.mint.opaque()}"

    def _logins(self) -> dict[str, Session]:
        registry, victims = self.registry, self.victims
        found = {}
        owners = {"citizen": victims.citizen, "company": victims.manager}
        for victim, owner in owners.items():
            other = victims.by_oidc
            if victim == "company":
                other = self._bound(owner, self._openid("other"))
            removed = self._bound(owner, self._openid("removed"))
            registry.subjects.remove(registry.tenant, owner, removed)
            openid = self._openid("given-away")
            given_away = self._bound(owner, openid, "the first holder")
            found[NEW_HOLDER] = session(
                self._wechat(openid, "the second holder"), Role.CITIZEN
            )
            logins = {OTHER_LOGIN: other, REMOVED: removed, GIVEN_AWAY: given_away}
            for column, login in logins.items():
                found[f"{column} of {victim}"] = (
                    session(login, Role.CITIZEN)
                    if victim == "citizen"
                    else session(
                        victims.company,
                        Role.COMPANY,
                        actor=login,
                        power=victims.power,
                    )
                )
        return found

    def _agents(self, elsewhere: Mapping[str, str]) -> dict[str, Session]:
        now, found = self.registry.clock(), {}
        for victim in ROLES:
            for act in Act:
                lacking = self._power(victim, acts=EVERY_ACT - {act})
                name = name_of(LACKING, victim, act)
                found[name] = self._acting(victim, lacking)
            made = {
                AGENT_NOW: self._power(victim),
                OF_OTHER_ITEM: self._power(victim, scope=Scope(elsewhere[victim])),
                OF_OTHER_CASE: self._power(
                    victim,
                    scope=Scope(case_no=elsewhere[victim] + "20000102000000"),
                ),
                EXPIRED: self._power(
                    victim,
                    starts_at=now - 2 * people.TERM,
                    ends_at=now - timedelta(seconds=1),
                ),
                REVOKED: self._power(
                    victim,
                    state=PowerState.REVOKED,
                    revoked_at=now,
                    revoked_by=self._principal(victim),
                ),
            }
            for column, power in made.items():
                found[f"{column} of {victim}"] = self._acting(victim, power)
            former = self._power(
                "company",
                representative=number_mark(
                    self.registry.hash_key, FORMER_REPRESENTATIVE
                ),
            )
            name = name_of(BY_FORMER_REPRESENTATIVE, victim, None)
            found[name] = self._acting("company", former)
            name = name_of(OF_THE_DECEASED, victim, None)
            found[name] = self._acting("citizen", self._deceaseds())
        return found

    def _deceaseds(self) -> Power:
        """What somebody gave by one login who died, as the register says of another."""
        registry, (asked, proven) = self.registry, DECEASED
        registry.enrol(asked, Person(), level=Level.DECLARED, via=Provider.WECHAT)
        registry.enrol(proven, people.STRANGER)
        registry.subjects.join(registry.tenant, asked, proven)
        registry.subjects.note(registry.tenant, proven, ended="deceased")
        return registry.power(asked, AGENT)

    def _principal(self, victim: str) -> str:
        return self.victims.citizen if victim == "citizen" else self.victims.company

    def _power(self, victim: str, **changed: object) -> Power:
        said = {"representative": None, **changed}
        if victim == "company" and said["representative"] is None:
            said["representative"] = self.victims.representative
        return self.registry.power(self._principal(victim), AGENT, **said)

    def _acting(self, victim: str, power: Power) -> Session:
        return session(power.principal, ROLES[victim], actor=AGENT, power=power.id)

    def _recused(self) -> dict[str, Session]:
        """Officers of the victims' own office: the applicant, a relative, whoever saw
        the applicant at a window, and whoever acted for the applicant once."""
        registry, victims = self.registry, self.victims
        where = (people.VICTIMS_OFFICE, people.DEPARTMENT, Role.OFFICER)
        staff = {name: registry.staff(name, *where) for name in RECUSED}
        applied, near, vouched, acted = (staff[name].sub for name in RECUSED)
        registry.subjects.join(registry.tenant, victims.citizen, applied)
        registry.subjects.vouch(
            registry.tenant,
            self._bound(victims.citizen, self._openid("seen")),
            Person(name=victims.name, id_type="111", id_no=victims.number),
            vouched,
            victims.number,
        )
        now = registry.clock()
        registry.power(
            victims.citizen,
            acted,
            state=PowerState.REVOKED,
            revoked_at=now,
            revoked_by=victims.citizen,
        )
        Recusal(
            registry.tables,
            registry.tenant,
            registry.subjects.persons,
            registry.clock,
            registry.hash_key,
        ).declare(near, "spouse", victims.number)
        return staff


def companys_power(
    registry: Registry, company: str, manager: str, representative: str | None
) -> Power:
    """What the provider says of who acts for the company."""
    return registry.power(
        company,
        manager,
        source=PowerSource.PROVIDER,
        representative=representative,
    )
