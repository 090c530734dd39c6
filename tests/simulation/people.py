"""Applicants, officers and payers: they call the real HTTPS applications, and again.

A person notices that something is asked of them when the head of their case says so,
some seconds later; whoever gets no answer asks again with the same Idempotency-Key.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.simulation.base import AUDIENCE, REPLACEMENT, ReadyDraft
from tests.simulation.simulation import Simulation
from tests.support.world import TENANT
from tests.unit.web.town import proxy_event
from zerotrip.cases.lifecycle import FINAL, Obligation, Stage
from zerotrip.cases.model import CaseNow, case_key, read
from zerotrip.identity.model import Level, Role, Session
from zerotrip.kernel.tables import Put, Write

GATEWAY_SECONDS = 29.0
ASKED_AGAIN = 12
"""How often a person tries before giving up for good."""
ROLE_OF_OFFICE = {
    "vehicle-inspection-mark": Role.OFFICER,
    "vehicle-licence-replacement": Role.OFFICER,
    "food-business-licence": Role.APPROVER,
}


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when nothing did."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The problem's code, if it is one."""
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""

    @property
    def came(self) -> bool:
        """Whether it says that the request took effect."""
        return 200 <= self.status < 300


@dataclass
class People:
    """Everybody who acts in a run, by default promptly and rightly."""

    run: Simulation
    folder: str = REPLACEMENT
    act: bool = True
    patience: tuple[float, float] = (2.0, 30.0)
    asked_again: int = ASKED_AGAIN
    acknowledged: dict[str, ReadyDraft] = field(default_factory=dict)
    """Case numbers that an applicant was told, by number."""
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    attempts: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    _noticed: set[tuple[str, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.run.on_commit.append(self._look)

    # sessions

    def applicant(self, sub: str) -> Session:
        """The applicant's session, as the authoriser hands it on.

        A company's is its representative's, who acts for it.
        """
        actor, power = self.run.base.acts_for.get(sub, (None, None))
        return self._session(sub, AUDIENCE[self.folder], actor=actor, power=power)

    def officer(self, folder: str = "") -> Session:
        """The session of the officer who decides the item's cases."""
        folder = folder or self.folder
        sub, uscc, department = self.run.base.officers[folder]
        return self._session(
            sub, ROLE_OF_OFFICE[folder], organisation=uscc, department=department
        )

    def _session(self, sub: str, *roles: Role, **more: Any) -> Session:
        return Session(
            sub=sub,
            roles=frozenset(roles),
            session_id="SESSION",
            level=Level.PRESENT,
            expires_at=self.run.scheduler.now + timedelta(minutes=15),
            **more,
        )

    # what people do

    def hand_in_all(
        self, drafts: Iterable[ReadyDraft], over_seconds: float = 60.0
    ) -> None:
        """Each applicant hands a draft in, some time within so many seconds."""
        for draft in drafts:
            self.start(
                lambda draft=draft: self.hand_in(draft),
                self.run.scheduler.random.uniform(0, over_seconds),
            )

    def hand_in(self, draft: ReadyDraft) -> str | None:
        """Until it is acknowledged; answers the case number."""
        return self.submit(draft)

    def submit(
        self,
        draft: ReadyDraft,
        body: Mapping[str, Any] | None = None,
        again: Sequence[str] = (),
    ) -> str | None:
        """The request itself, sent again after the answers that `again` names."""
        answer = self.insist(
            "applicant_api",
            "POST",
            "/v1/applications/{application_id}/submission",
            who=lambda: self.applicant(draft.sub),
            path={"application_id": draft.application},
            body=body,
            key=f"hand-in-{draft.application}",
            again=again,
        )
        if not answer.came:
            return None
        case_no = str(answer.body["case_no"])
        self.acknowledged[case_no] = draft
        return case_no

    def decide(
        self, case_no: str, decision: str = "approve", folder: str = ""
    ) -> Answer:
        """The officer of the item looks at the case and decides it."""
        path = {"case_no": case_no}
        seen = self.insist(
            "staff_api",
            "GET",
            "/v1/staff/cases/{case_no}",
            who=lambda: self.officer(folder),
            path=path,
        )
        if not seen.came:
            return seen
        return self.insist(
            "staff_api",
            "POST",
            "/v1/staff/cases/{case_no}/decisions",
            who=lambda: self.officer(folder),
            path=path,
            body={
                "decision": decision,
                "reasons": "材料齐全，符合条件。",
                "articles": [each["zh"] for each in seen.body["articles_offered"][:1]],
            },
            key=f"decide-{case_no}",
            seen=seen.headers["ETag"],
        )

    def send_back(self, case_no: str, path: str, key: str, *, reason: bool) -> Answer:
        """The officer looks at the case and names what is to be mended."""
        where = {"case_no": case_no}
        seen = self.insist(
            "staff_api",
            "GET",
            "/v1/staff/cases/{case_no}",
            who=self.officer,
            path=where,
        )
        if not seen.came:
            return seen
        defect = {
            "path": path,
            "message": {"zh": "名称看不清。", "en": "The name is illegible."},
            "remedy": {"zh": "请重新填写。", "en": "Write it again."},
        }
        late = {"code": "overlooked", "text": "首次告知时漏看。"}
        return self.insist(
            "staff_api",
            "POST",
            "/v1/staff/cases/{case_no}/corrections",
            who=self.officer,
            path=where,
            body={"defects": [defect], **({"late_reason": late} if reason else {})},
            key=key,
            seen=seen.headers["ETag"],
        )

    def pay(self, case_no: str) -> Answer:
        """The applicant opens the bill and pays it at the channel."""
        draft = self.acknowledged.get(case_no) or self._owner(case_no)
        path = {"case_no": case_no}
        seen = self.insist(
            "applicant_api",
            "GET",
            "/v1/cases/{case_no}",
            who=lambda: self.applicant(draft.sub),
            path=path,
        )
        if not seen.came:
            return seen
        opened = self.insist(
            "applicant_api",
            "POST",
            "/v1/cases/{case_no}/payments",
            who=lambda: self.applicant(draft.sub),
            path=path,
            body={"channel": "wechat_pay"},
            seen=seen.headers["ETag"],
            again=("bill_not_ready",),
        )
        if opened.came:
            self.pay_at_channel(opened.body)
        return opened

    def pay_at_channel(self, opened: Mapping[str, Any]) -> dict[str, Any]:
        """What `wx.requestPayment` does with the parameters that we answered."""
        return self.run.partners.control(
            "payments", "pay", {"client": dict(opened["parameters"])}
        )

    def withdraw(self, case_no: str) -> Answer:
        """The applicant takes the case back."""
        draft = self.acknowledged.get(case_no) or self._owner(case_no)
        path = {"case_no": case_no}
        seen = self.insist(
            "applicant_api",
            "GET",
            "/v1/cases/{case_no}",
            who=lambda: self.applicant(draft.sub),
            path=path,
        )
        if not seen.came:
            return seen
        return self.insist(
            "applicant_api",
            "POST",
            "/v1/cases/{case_no}/withdrawal",
            who=lambda: self.applicant(draft.sub),
            path=path,
            key=f"withdraw-{case_no}",
            seen=seen.headers["ETag"],
        )

    # calling

    def start(self, work: Callable[[], Any], after_seconds: float = 0.0) -> None:
        """A person begins to act after so many seconds."""

        self.busy += 1

        def ended(_: Any, __: Any, error: BaseException | None) -> None:
            self.busy -= 1
            if isinstance(error, Exception):
                raise error

        def begin() -> None:
            self.run.scheduler.spawn("person", work, ended)

        self.run.scheduler.later(after_seconds, begin)

    def insist(
        self,
        app: str,
        method: str,
        route: str,
        *,
        who: Callable[[], Session | None],
        again: Sequence[str] = (),
        **request: Any,
    ) -> Answer:
        """Asks until there is an answer that settles it."""
        scheduler = self.run.scheduler
        answer = Answer(0)
        for attempt in range(self.asked_again):
            answer = self.ask(app, method, route, who=who(), **request)
            code = answer.code
            waits = answer.status in (0, 429, 502, 503, 504) or code in (
                *again,
                "request_in_flight",
                "case_busy",
                "internal_error",
            )
            if not waits:
                if not answer.came:
                    self.refused[f"{method} {route}: {answer.status} {code}"] += 1
                return answer
            scheduler.sleep(scheduler.random.uniform(1, 5) * (attempt + 1))
        self.unanswered += 1
        return answer

    def ask(
        self,
        app: str,
        method: str,
        route: str,
        *,
        who: Session | None,
        path: Mapping[str, str] | None = None,
        body: object = None,
        key: str = "",
        seen: str = "",
    ) -> Answer:
        """One request. The client waits for 29 s, as long as API Gateway does."""
        headers = {}
        if key:
            headers["Idempotency-Key"] = key
        if seen:
            headers["If-Match"] = seen
        content = None if body is None else json.dumps(body, ensure_ascii=False)
        event = proxy_event(method, route, content, who=who, path=path, headers=headers)
        self.attempts[f"{method} {route}"] += 1
        came: list[Answer] = []
        scheduler = self.run.scheduler
        caller = scheduler.actor

        def ended(result: Any, error: BaseException | None) -> None:
            if error is not None:
                came.append(Answer(502))
            else:
                said = json.loads(result["body"]) if result["body"] else None
                came.append(Answer(result["statusCode"], said, result["headers"]))
            if caller is not None:
                scheduler.wake(caller)

        self.run.cloud.functions.invoke(app, event, ended)
        scheduler.park(GATEWAY_SECONDS)
        return came[0] if came else Answer(0)

    # noticing

    def _look(self, writes: Sequence[Write]) -> None:
        if not self.act:
            return
        for write in writes:
            if (
                isinstance(write, Put)
                and write.table == "records"
                and write.row.sk == "HEAD"
                and "#CASE#" in write.row.pk
            ):
                self._notice(write.row.pk.rpartition("#")[2], write.row)

    def _notice(self, case_no: str, row: Any) -> None:
        mark = (case_no, row.version or 0)
        if mark in self._noticed:
            return
        task = self._task(row.stage, row.data.get("obligations", {}))
        if task is None:
            return
        self._noticed.add(mark)
        wait = self.run.scheduler.random.uniform(*self.patience)
        self.start(lambda: task(case_no), wait)

    def _task(
        self, stage: str, obligations: Mapping[str, Any]
    ) -> Callable[[str], Any] | None:
        if stage == Stage.PAYMENT_DUE:
            return self.pay
        if stage == Stage.IN_REVIEW and Obligation.DECISION in obligations:
            return self.decide
        return None

    # looking

    def case(self, case_no: str) -> CaseNow | None:
        """The case as it stands stored."""
        head = self.run.records.head(case_key(TENANT, case_no))
        return None if head is None else read(head)

    def all_final(self) -> bool:
        """Whether nobody is at it and every acknowledged case has come to its end."""
        if self.busy:
            return False
        found = [self.case(case_no) for case_no in self.acknowledged]
        return all(now is not None and now.stage in FINAL for now in found)

    def _owner(self, case_no: str) -> ReadyDraft:
        now = self.case(case_no)
        if now is None:
            raise LookupError(case_no)
        return ReadyDraft(now.case.application, now.case.sub, 0)
