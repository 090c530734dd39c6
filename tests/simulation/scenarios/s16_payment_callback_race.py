"""Scenario 16: the channel's notice before, after and beside whatever else happens.

Before our own answer is read, after it, five times, late, never; forged, old; for
another sum, currency, payer or merchant, for a number that is nobody's; while the
applicant takes the case back; and through a webhook that crashes at each of its calls.
Money that came is recorded once: the bill is settled, or the sum is due back. Nothing
else settles it, and where the notice never comes the channel is asked.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.partners import wechat_pay_notices
from tests.simulation.base import REPLACEMENT, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.many import Played, Sum, play
from tests.simulation.oracle import Stored, Verdict, judge
from tests.simulation.people import Answer, People
from tests.simulation.scenario import Outcome, Scenario, Size
from tests.simulation.simulation import Simulation
from zerotrip.cases.lifecycle import Stage
from zerotrip.kernel.aggregate import Kind

CASES = 200
SPOILT = (
    "forged", "altered", "unsigned", "old", "future", "unknown_serial",
    "unknown_scheme", "probe", "wrong_seal", "unknown_algorithm", "not_json", "refund",
    "amount_as_text", "unknown_order", "contradiction",
)  # fmt: skip
"""Notices that must settle nothing, and must not be acknowledged."""
CONTRADICTING = (
    "wrong_amount", "wrong_currency", "wrong_payer", "foreign_merchant", "foreign_app",
)  # fmt: skip
"""Genuine ones that are not what was billed: kept, acknowledged, and settle nothing."""
OFTEN = {
    Fault.CRASH_BEFORE: 0.02,
    Fault.CRASH_AFTER: 0.02,
    Fault.HANG_AFTER: 0.01,
    Fault.LOST_ANSWER: 0.02,
    Fault.REFUSED: 0.02,
}
"""Of the calls of `partner_webhooks`; the channel sends again what was not answered."""
WEBHOOK = "partner_webhooks"


def run(seed: int, size: Size) -> Outcome:
    """A crowd of all varieties at once, then one run for each point of the webhook."""
    total = Sum(SCENARIO.name, seed, size)
    other = SimpleNamespace(generate_private_key=lambda **_: _strangers_key())
    with mock.patch.object(wechat_pay_notices, "rsa", other):
        crowd, payers = _crowd(seed, size)
        total.add("crowd", crowd)
        points = _points(seed, size, total)
    return total.outcome(crash_points=points, **payers.notes())


@functools.cache
def _strangers_key() -> rsa.RSAPrivateKey:
    """Who forges signs with a key of their own; making one takes half a second."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _crowd(seed: int, size: Size) -> tuple[Played, Payers]:
    start = base(REPLACEMENT, size.of(CASES, least=len(Payers.VARIETIES)))
    faults = Faults(
        rates=OFTEN, where=lambda actor, _: actor == WEBHOOK, duplicates=0.02,
        most_copies=2,
    )  # fmt: skip
    with Simulation(seed, faults, start, real_licences=size.real_licences) as run:
        payers = Payers(run, REPLACEMENT)
        payers.slow_down()
        payers.hand_in_all(start.drafts, 300)
        run.run_until_quiet(12, payers.all_final)
        verdict = judge(run, payers)
        _money(run, verdict)
        payers.judge(verdict)
    return Played(run, payers, verdict), payers


def _points(seed: int, size: Size, total: Sum) -> int:
    """Each call of the webhook's first invocation x each fault, a run of its own."""
    played = 0
    every = {Size.FULL: 1, Size.TENTH: 2, Size.SLICE: 4}[size]
    for kind in Fault:
        for call in range(1, 10):
            if (call + list(Fault).index(kind) + seed) % every:
                continue
            faults = Faults(points={(WEBHOOK, call): kind})
            one = play(seed * 1000 + played, REPLACEMENT, faults)
            if not one.run.faults.injected:
                break  # an invocation has fewer calls than that
            _money(one.run, one.verdict)
            total.add(f"{kind} at call {call} of the webhook", one)
            played += 1
    return played


def _money(run: Simulation, verdict: Verdict) -> None:
    """What came is kept once or due back once; what did not come is neither."""
    stored = Stored.of(run)
    at_channel = {
        order["out_trade_no"]: order["state"]
        for order in run.partners.counted("payments")["items"]
    }
    for key in stored.of_kind(Kind.BILL):
        head = stored.heads[key]
        types = Counter(row.type for row in stored.histories[key])
        taken = types["bill.settled"] + types["bill.paid_after_cancellation"]
        verdict.effects["payments taken"] += taken
        if taken + types["bill.paid_again"] > 1:
            verdict.doubled.append(f"bill {key.id}: money taken {dict(types)}")
        paid = at_channel.get(key.id) == "SUCCESS"
        if taken and not paid:
            verdict.let_in.append(f"bill {key.id}: {head.stage} without money")
        due_back = head.data.get("refund_due_fen", 0)
        entries = [
            row.data
            for (_, pk, _), row in run.store.rows.items()
            if pk == key.pk and row.work is not None and row.data["certain"]
        ]
        if sum(each["amount_fen"] for each in entries) != due_back:
            verdict.broken.append(f"bill {key.id}: the refund list says otherwise")
        withdrawn = _case_stage(stored, head.data["case_no"]) == Stage.WITHDRAWN
        wanted = head.data["amount_fen"] if withdrawn and paid else 0
        if due_back != wanted:
            verdict.broken.append(
                f"bill {key.id}: {due_back} fen are due back, not {wanted}"
            )
        if head.stage == "refund_due" and "settled" in head.data.get("facts", {}):
            verdict.broken.append(f"bill {key.id}: due back, and yet a settled one")
        if head.stage == "cancelled" and at_channel.get(key.id) == "NOTPAY":
            verdict.broken.append(f"bill {key.id}: cancelled, and may yet be paid")


def _case_stage(stored: Stored, case_no: str) -> str | None:
    return next(
        (
            str(head.stage)
            for key, head in stored.heads.items()
            if key.kind is Kind.CASE and key.id == case_no
        ),
        None,
    )


@dataclass
class Payers(People):
    """Applicants who pay in every way there is, each in turn."""

    played: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    accepted: list[str] = field(default_factory=list)
    """Spoilt notices that were acknowledged."""
    wrong: list[str] = field(default_factory=list)
    kept: int = 0
    """Contradicting notices that were acknowledged, since they were stored."""
    slow: set[str] = field(default_factory=set)
    """Bills that the channel takes seconds to open."""

    def slow_down(self) -> None:
        """Lets the channel be as slow as `slow` says."""
        sandbox = self.run.partners.payments
        prompt = sandbox.answer

        def answer(request: Any) -> Any:
            if request.target.endswith("/jsapi"):
                number = request.json()["out_trade_no"]
                if number in self.slow:
                    self.run.faults.injected["slow channel"] += 1
                    self.run.scheduler.sleep(self._draw(0.5, 4))
            return prompt(request)

        sandbox.answer = answer  # type: ignore[method-assign]

    def pay(self, case_no: str) -> Answer:
        """The next way of paying."""
        way = self.VARIETIES[sum(self.played.values()) % len(self.VARIETIES)]
        self.played[way.__name__.strip("_")] += 1
        return way(self, case_no)

    # the ways

    def _at_once(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        self._pay(opened)
        return opened

    def _before_the_answer(self, case_no: str) -> Answer:
        """A second device asks; the first pays before that answer is read."""
        opened = self._open(case_no)
        if opened.came:
            again = "second device"
            self.start(lambda: self._open(case_no, again), self._draw(0, 0.05))
            self.run.scheduler.sleep(self._draw(0, 0.2))
            self._tell(opened.body["bill_id"], "genuine", self._pay(opened))
        return opened

    def _before_the_notice(self, case_no: str) -> Answer:
        """The notice is late: the person asks again, and we ask the channel."""
        opened = self._open(case_no)
        if opened.came:
            held = self._pay(opened, quiet=True)
            self.run.scheduler.sleep(self._draw(0, 5))
            again = self._open(case_no)
            if again.code != "bill_settled":
                self.wrong.append(f"{case_no}: paid, and told {again.code}")
            self.run.scheduler.sleep(self._draw(0, 5))
            self._insist(opened.body["bill_id"], held)
        return opened

    def _late(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        if opened.came:
            held = self._pay(opened, quiet=True)
            self.run.scheduler.sleep(self._draw(600, 7200))
            self._insist(opened.body["bill_id"], held)
        return opened

    def _never(self, case_no: str) -> Answer:
        """The notice is lost for good: we ask the channel by ourselves."""
        opened = self._open(case_no)
        self._pay(opened, quiet=True)
        return opened

    def _five_times(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        if opened.came:
            sent = self._pay(opened)
            for _ in range(4):
                self._tell(opened.body["bill_id"], "genuine", sent)
        return opened

    def _spoilt_first(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        if opened.came:
            for variety in SPOILT + CONTRADICTING:
                self._tell(opened.body["bill_id"], variety)
            self.run.scheduler.sleep(60)
            self._unsettled(opened.body["bill_id"])
            self._pay(opened)
        return opened

    def _spoilt_beside(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        if opened.came:
            sent = self._pay(opened)
            for variety in SPOILT + CONTRADICTING:
                self._tell(opened.body["bill_id"], variety, sent)
                self.run.scheduler.sleep(self._draw(0, 2))
        return opened

    def _withdrawn_meanwhile(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        if opened.came:
            self.start(lambda: self.withdraw(case_no), self._draw(0, 0.2))
            self.run.scheduler.sleep(self._draw(0, 0.4))
            sent = self._pay(opened)
            if "transaction_id" in sent:
                self._tell(opened.body["bill_id"], "genuine", sent)
        return opened

    def _withdrawn_while_opening(self, case_no: str) -> Answer:
        now = self.case(case_no)
        self.slow.update(now.case.bills if now else ())
        self.start(lambda: self.withdraw(case_no), self._draw(0, 0.1))
        opened = self._open(case_no)
        if opened.came:
            if self._bill(opened.body["bill_id"]).stage == "cancelled":
                self.wrong.append(f"{case_no}: asked to pay a cancelled bill")
            self._pay(opened)
        return opened

    def _withdrawn_unpaid(self, case_no: str) -> Answer:
        opened = self._open(case_no)
        self.withdraw(case_no)
        return opened

    VARIETIES = (
        _at_once,
        _before_the_answer,
        _before_the_notice,
        _late,
        _never,
        _five_times,
        _spoilt_first,
        _spoilt_beside,
        _withdrawn_meanwhile,
        _withdrawn_while_opening,
        _withdrawn_unpaid,
    )

    # their parts

    def _draw(self, least: float, most: float) -> float:
        return self.run.scheduler.random.uniform(least, most)

    def _open(self, case_no: str, device: str = "") -> Answer:
        """Looks at the case and opens its bill at the channel; pays nothing yet."""
        draft = self.acknowledged.get(case_no) or self._owner(case_no)
        asked: dict[str, Any] = {
            "who": lambda: self.applicant(draft.sub),
            "path": {"case_no": case_no},
        }
        seen = self.insist("applicant_api", "GET", "/v1/cases/{case_no}", **asked)
        if not seen.came:
            return seen
        return self.insist(
            "applicant_api",
            "POST",
            "/v1/cases/{case_no}/payments",
            body={"channel": "wechat_pay"},
            seen=seen.headers["ETag"],
            again=("bill_not_ready",),
            key=f"pay-{case_no}-{device}" if device else "",
            **asked,
        )

    def _pay(self, opened: Answer, *, quiet: bool = False) -> dict[str, Any]:
        """The money moves; `quiet` keeps the channel from telling us."""
        if not opened.came:
            return {}
        wish = {"client": dict(opened.body["parameters"]), "quiet": quiet}
        return self.run.partners.control("payments", "pay", wish)

    def _tell(
        self, bill: str, variety: str, sent: Mapping[str, Any] | None = None
    ) -> None:
        """One notice by itself, of that variety."""
        callbacks = self.run.partners.callbacks["wechat_pay"]
        callbacks.told = self._hears(variety)
        if variety != "genuine":
            self.run.faults.injected["spoilt notice"] += 1
        self.run.partners.control(
            "payments",
            "notices",
            {
                "out_trade_no": bill,
                "variety": variety,
                "id": str((sent or {}).get("notice_id", f"spoilt-{bill}")),
            },
        )

    def _insist(self, bill: str, sent: Mapping[str, Any]) -> None:
        """The channel's notice, again until it is taken, as the channel does it."""
        for _ in range(12):
            self._tell(bill, "genuine", sent)
            self.run.scheduler.sleep(self._draw(15, 60))
            if "settled" in self._bill(bill).data.get("facts", {}):
                return

    def _hears(self, variety: str) -> Callable[[int, bytes], None]:
        def told(status: int, _: bytes) -> None:
            if variety == "genuine":
                return
            self.refusals[variety] += 1
            if variety in CONTRADICTING:
                self.kept += 200 <= status < 300
            elif 200 <= status < 300:
                self.accepted.append(f"a notice ({variety}) was acknowledged")

        return told

    def _bill(self, bill: str) -> Any:
        (head,) = [
            row for row in self.run.rows("records", f"BILL#{bill}") if row.sk == "HEAD"
        ]
        return head

    def _unsettled(self, bill: str) -> None:
        if self._bill(bill).stage != "opened":
            self.accepted.append(f"bill {bill}: a spoilt notice moved it")

    # afterwards

    def judge(self, verdict: Verdict) -> None:
        """Nothing spoilt was taken, and every variety was really tried."""
        verdict.let_in += self.accepted
        verdict.broken += self.wrong
        untried = {*SPOILT, *CONTRADICTING} - set(self.refusals)
        if untried:
            verdict.broken.append(f"never tried: {sorted(untried)}")

    def notes(self) -> dict[str, Any]:
        """Figures of the evidence."""
        return {
            "ways": dict(sorted(self.played.items())),
            "notices_refused": sum(self.refusals.values()) - self.kept,
            "contradictions_kept": self.kept,
        }


SCENARIO = Scenario(
    16,
    "payment-callback-race",
    "支付回调竞态：先到、后到、五次、伪造、金额不符、与撤回交叉",
    "Payment callback race: early, late, five times, forged, wrong, beside withdrawal",
    run,
)
