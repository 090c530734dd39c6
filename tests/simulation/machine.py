"""One case that anything may happen to, beside the model that says what should be.

`Play` carries each step out through the real handlers, lets every machine come to rest,
and holds the case against the model. What a citizen or partner does not do by itself
(signing, parcels) waits for its step. Hypothesis drives it, or a seed does.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from tests.simulation.base import FOOD, MARK, REPLACEMENT, base
from tests.simulation.faults import Fault, Faults
from tests.simulation.model import MAY_WITHDRAW, Item, Model
from tests.simulation.oracle import Stored, Verdict, judge
from tests.simulation.people import Answer, People
from tests.simulation.registry import form_of
from tests.simulation.simulation import Simulation
from zerotrip.kernel.aggregate import Kind, chain_faults
from zerotrip.kernel.tables import Write

ITEMS = {
    REPLACEMENT: Item(officer=True, fee=True, parcel=True),
    MARK: Item(officer=False, papers=True, parcel=True, charge=True),
    FOOD: Item(officer=True),
}
WRONG = {
    REPLACEMENT: ("declarations", "return_if_found"),
    MARK: ("declarations", "tax_paid"),
    FOOD: ("safety_manager", "examined"),
}
"""What a form says that is not right: a declaration that is not made."""
REWORDED = {
    REPLACEMENT: ("addressee", "address"),
    MARK: ("addressee", "address"),
    FOOD: ("premises", "address"),
}
"""What a correction may say in other words, and no rule minds."""
LAID_OPEN = {
    REPLACEMENT: "/form/owner/name",
    MARK: "/form/owner/name",
    FOOD: "/form/company/name",
}
"""What no correction ever changes: it could be seen from the first notice on."""
CRASHING = (
    "submit", "pre_review", "approve", "advance_case", "collect_payment",
    "sign_licence", "register_licence", "dispatch_courier", "notify", "publish_events",
    "partner_webhooks", "watch_deadlines", "applicant_api", "staff_api",
)  # fmt: skip
MINUTES = (1, 3, 16, 31)
"""Past a request's lease, and past the watchdog's first looks."""
MOST_CALLS = 4
MOST_ARMED = 3
"""Crashes that wait at one time: fewer than a message may be received."""
GATED = "sign_licence"
ENDED = ("DELIVERED", "CANCELLED", "RETURNED", "LOST")
REST_HOURS = 24.0
WORDS = {"payment_due": "payment"}


class Disagreement(AssertionError):
    """The case and the model say different things."""


def form(folder: str, *, right: bool, round: int = 0) -> dict[str, Any]:
    """The only applicant's form of the item, with or without its fault."""
    made = form_of(folder, 0)
    if round:
        part, name = REWORDED[folder]
        made[part][name] += f"{round}室"
    if not right:
        part, name = WRONG[folder]
        made[part][name] = False
    return made


@dataclass
class Citizen(People):
    """Acts when told to, and remembers what was acknowledged."""

    act: bool = False
    said: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def ask(self, app: str, method: str, route: str, **request: Any) -> Answer:
        """One request, remembered when it changed something."""
        answer = super().ask(app, method, route, **request)
        if answer.came and method == "POST":
            kept = {name: request[name] for name in request if name != "who"}
            self.said.append((app, route, kept))
        return answer


class Play:
    """One case of an item, its cloud, and what the model thinks of it."""

    def __init__(self, folder: str, seed: int = 1, real_licences: int = 0) -> None:
        self.folder = folder
        self.model = Model(ITEMS[folder])
        start = base(folder, 1)
        (self.draft,) = start.drafts
        self.run = Simulation(seed, Faults(), start, real_licences=real_licences)
        self.run.__enter__()
        self.people = Citizen(self.run, folder)
        self.case_no: str | None = None
        self.parameters: dict[str, Any] | None = None
        self.earlier: list[Callable[[], None]] = []
        self.agreed = True
        self.steps = 0
        self.played: Counter[str] = Counter()
        self.words: set[str] = set()
        """Where the case has been."""
        self.pages: list[tuple[str, tuple[str, int]]] = []
        """What the applicant had on the screen: each version's tag, and where it is, in
        which round."""
        self.withdrawn_by = ""
        self.run.partners.control("courier", "pace", {"moves": False})
        self.run.cloud.queues[GATED].polling = False
        self._remember()

    def close(self) -> Verdict:
        """Lets everything come to its end; the oracle's word on the whole."""
        self.run.faults.points.clear()
        self.run.cloud.queues[GATED].polling = True
        self.run.cloud.queues[GATED].pump()
        self.rest()
        return judge(self.run, self.people)

    def leave(self) -> None:
        """Ends the run."""
        self.run.__exit__()

    # what happens

    def hand_in(self, *, right: bool) -> None:
        """The applicant writes the form and hands it in."""
        path = {"application_id": self.draft.application}

        def work() -> Answer:
            route = "/v1/applications/{application_id}"
            seen = self._apply("GET", route, path)
            self._apply(
                "PUT",
                route,
                path,
                body={"form": form(self.folder, right=right)},
                seen=seen.headers["ETag"],
            )
            self.case_no = self.people.hand_in(self.draft)
            return Answer(202 if self.case_no else 409)

        self._step("hand_in", work, self.model.hand_in(right=right))

    def correct(self, *, right: bool) -> None:
        """The applicant mends the form, well or badly."""
        mended = form(self.folder, right=right, round=self.steps + 1)

        def work() -> Answer:
            return self._command(
                "corrections", body={"form": mended}, key=f"correct-{self.steps}"
            )

        self._step("correct", work, self.model.correct(right=right))

    def correct_nothing(self) -> None:
        """The applicant hands in what lies there already."""

        def work() -> Answer:
            return self._command(
                "corrections", body={}, key=f"correct-nothing-{self.steps}"
            )

        expected = self.model.correct(right=False, changes=False)
        self._step("correct_nothing", work, expected)

    def withdraw(self, place: int | None = None) -> None:
        """The applicant takes the case back, from a page of now or an older one."""
        tag, seen = self.pages[-1 if place is None else place % len(self.pages)]
        if tag == self.withdrawn_by:
            expected = True  # the same request again
        else:
            now = (self.model.word, self.model.rounds)
            expected = seen == now and self.model.withdraw()
            self.withdrawn_by = tag if expected else self.withdrawn_by

        def work() -> Answer:
            path = {"case_no": str(self.case_no)}
            route = "/v1/cases/{case_no}/withdrawal"
            key = f"withdraw-{self.steps}"
            return self._apply("POST", route, path, seen=tag, key=key)

        self._step("withdraw", work, expected)

    def decide(self, decision: str) -> None:
        """The officer decides, whether it is time or not."""
        case_no = str(self.case_no)
        expected = self.model.decide(decision)
        self._step("decide", lambda: self.people.decide(case_no, decision), expected)

    def send_back(self, *, reason: bool) -> None:
        """The officer asks for corrections, whether it is time or not."""
        case_no, path = str(self.case_no), LAID_OPEN[self.folder]
        expected = self.model.send_back(reason=reason)

        def work() -> Answer:
            key = f"send-back-{self.steps}"
            return self.people.send_back(case_no, path, key, reason=reason)

        self._step("send_back", work, expected)

    def open_bill(self) -> None:
        """The applicant begins to pay."""

        def work() -> Answer:
            answer = self._command("payments", body={"channel": "wechat_pay"})
            if answer.came:
                self.parameters = answer.body
            return answer

        self._step("open_bill", work, self.model.open_bill())

    def pay(self) -> None:
        """The applicant pays with the newest parameters, wherever the case stands."""

        def work() -> Answer:
            if self.parameters is None:
                return Answer(409)
            paid = self.people.pay_at_channel(self.parameters)
            return Answer(200 if "transaction_id" in paid else 409)

        self._step("pay", work, self.model.pay())

    def sign(self) -> None:
        """The signer gets to its queue."""
        queue = self.run.cloud.queues[GATED]
        queue.polling = True
        queue.pump()
        self.model.sign()
        self._step("sign")
        queue.polling = False

    def deliver(self, *, arrives: bool) -> None:
        """The carrier's parcels move on by one scan, or arrive at once."""
        carrier = self.run.partners
        for parcel in carrier.counted("courier")["items"]:
            if parcel["status"] not in ENDED:
                wish = {"order_id": parcel["order_id"]}
                if arrives:
                    wish["status"] = "DELIVERED"
                moved = carrier.control("courier", "advance", wish)
                if moved["status"] == "DELIVERED":
                    self.model.deliver()
        self._step("deliver")

    def go_on(self) -> None:
        """Whoever's turn it is does their part, rightly."""
        turns: dict[str, Callable[[], None]] = {
            "correcting": lambda: self.correct(right=True),
            "papers": lambda: self.deliver(arrives=True),
            "decision": lambda: self.decide("approve"),
            "payment": self.pay if self.parameters else self.open_bill,
            "signing": self.sign,
            "delivering": lambda: self.deliver(arrives=True),
        }
        turns.get(self.model.word, self.open_bill)()

    def redeliver(self, place: int) -> None:
        """Any earlier message, callback or stream record comes again."""
        if self.earlier:
            self.earlier[place % len(self.earlier)]()
        self._step("redeliver")

    def repeat(self, place: int, *, keyed: bool) -> None:
        """An acknowledged request is sent again: it is acknowledged again.

        Without its key the command itself must know that it was carried out.
        """
        if not self.people.said:
            return
        app, route, request = self.people.said[place % len(self.people.said)]
        if not keyed:
            request = {**request, "key": ""}
        expected = self.model.owes() if route.endswith("/payments") else True

        def who() -> Any:
            if app == "staff_api":
                return self.people.officer()
            return self.people.applicant(self.draft.sub)

        self._step(
            "repeat",
            lambda: self.people.insist(app, "POST", route, who=who, **request),
            expected,
        )

    def crash(self, function: str, call: int, kind: Fault) -> None:
        """The next invocation that gets as far as that call meets its fault."""
        points = self.run.faults.points
        if len(points) >= MOST_ARMED:
            points.pop(next(iter(points)))  # the oldest has waited in vain
        points[function, call] = kind
        self._step("crash")

    def tick(self, minutes: int) -> None:
        """Time passes, and the watchdog looks each minute."""
        self.run.run(minutes / 60)
        self._step("tick")

    def anything(self, dice: random.Random) -> None:
        """One of all these, drawn."""
        if self.case_no is None and dice.random() < 0.8:
            self.hand_in(right=dice.random() < 0.6)
            return
        right, place = dice.random() < 0.5, dice.randrange(10_000)
        crash = (
            dice.choice(CRASHING),
            dice.randint(1, MOST_CALLS),
            dice.choice([*Fault]),
        )
        steps: Sequence[tuple[int, Callable[[], None]]] = (
            (2, self.go_on),
            (2, lambda: self.correct(right=right)),
            (1, self.correct_nothing),
            (1 if self.model.word in MAY_WITHDRAW else 3, self.withdraw),
            (1, lambda: self.withdraw(place)),
            (3, lambda: self.decide("refuse" if dice.random() < 0.2 else "approve")),
            (1, lambda: self.send_back(reason=right)),
            (3, self.open_bill),
            (3, self.pay),
            (3, self.sign),
            (3, lambda: self.deliver(arrives=right)),
            (4, lambda: self.redeliver(place)),
            (2, lambda: self.repeat(place, keyed=right)),
            (4, lambda: self.crash(*crash)),
            (1, lambda: self.tick(dice.choice(MINUTES))),
        )
        if self.case_no is None:
            steps = steps[-2:]
        chosen = dice.choices(steps, weights=[weight for weight, _ in steps])
        chosen[0][1]()

    # how it happens

    def _step(
        self,
        name: str,
        work: Callable[[], Answer] | None = None,
        expected: bool | None = None,
    ) -> None:
        """Somebody acts, all come to rest, and the case is as the model has it."""
        self.steps += 1
        self.played[name] += 1
        answers: list[Answer] = []
        if work is not None:
            self.people.start(lambda: answers.append(work()))
        self.rest()
        if expected is not None and answers[0].came != expected:
            self._disagree(
                f"{name}: {answers[0].status} {answers[0].code}, "
                f"though the model has {expected} and {self.model.word}"
            )
        self.check()

    def rest(self) -> None:
        """Until nobody acts and nothing is on its way, except to a closed gate."""
        self.run.run(REST_HOURS, self._at_rest)
        if not self._at_rest():
            self._disagree(f"no rest within {REST_HOURS} hours")

    def _at_rest(self) -> bool:
        if self.people.busy or any(self.run.cloud.functions.running.values()):
            return False
        if any(each.pending for each in self.run.partners.callbacks.values()):
            return False
        gate = self.run.cloud.queues[GATED]
        held = 0 if gate.polling else len(gate.messages)
        return self.run.cloud.on_the_way == held

    def _apply(
        self, method: str, route: str, path: Mapping[str, str], **more: Any
    ) -> Answer:
        return self.people.insist(
            "applicant_api",
            method,
            route,
            who=lambda: self.people.applicant(self.draft.sub),
            path=path,
            **more,
        )

    def _command(self, what: str, **more: Any) -> Answer:
        """Looks at the case, then asks for something, as a person does."""
        path = {"case_no": str(self.case_no)}
        seen = self._apply("GET", "/v1/cases/{case_no}", path)
        route = f"/v1/cases/{{case_no}}/{what}"
        return self._apply("POST", route, path, seen=seen.headers["ETag"], **more)

    def _remember(self) -> None:
        """Keeps every message on its way, so that it can come again."""
        for queue in self.run.cloud.queues.values():
            send = queue.send

            def sent(
                body: str, *rest: Any, send: Callable[..., None] = send, **more: Any
            ) -> None:
                self.earlier.append(lambda: send(body, *rest, **more))
                send(body, *rest, **more)

            queue.send = sent  # type: ignore[method-assign]
        for callbacks in self.run.partners.callbacks.values():
            callbacks.delay = (0.01, 0.2)
            submit = callbacks.submit

            def told(
                callback: Any,
                submit: Callable[..., None] = submit,
                again: Callable[..., Any] = callbacks.send_once,
            ) -> None:
                self.earlier.append(lambda: again("", callback.build()))
                submit(callback)

            callbacks.submit = told  # type: ignore[method-assign]
        self.run.on_commit.append(self._committed)

    def _committed(self, writes: Sequence[Write]) -> None:
        kept = tuple(writes)
        self.earlier.append(lambda: self.run.cloud.stream.committed(kept))

    # what must hold

    def check(self) -> None:
        """The case is as the model has it; effects happened once; chains hold."""
        found: list[str] = []
        word = self.word()
        self.words.add(word)
        now = self.people.case(self.case_no) if self.case_no else None
        if now is not None:
            here = (word, self.model.rounds)
            self.pages.append((f'"v{now.head.version}"', here))
        if word != self.model.word:
            found.append(f"the case is at {word}, the model at {self.model.word}")
        stored = Stored.of(self.run)
        types: Counter[str] = Counter()
        for key, history in stored.histories.items():
            found += chain_faults(history)
            if key.kind is not Kind.NOTICE:
                types.update(row.type for row in history)
        effects = {
            "bill.settled": self.model.paid,
            "licence.registered": self.model.licence,
            "case.withdrawn": self.model.word == "withdrawn",
            "case.completed": self.model.word == "completed",
        }
        found += [
            f"{name} x{types[name]}, the model has {int(wanted)}"
            for name, wanted in effects.items()
            if types[name] != wanted
        ]
        taken = self.run.partners.counted("payments")["successes"]
        if taken != self.model.paid:
            found.append(f"the channel took {taken} payments")
        found += [
            f"dead-lettered at {step}: {message.attributes.get('code')}"
            for step, message in self.run.cloud.dead_letters()
        ]
        if self.people.unanswered:
            found.append("somebody never got an answer")
        if found:
            self._disagree("; ".join(found))

    def _disagree(self, what: str) -> NoReturn:
        self.agreed = False
        raise Disagreement(f"{self.folder}, step {self.steps}: {what}")

    def word(self) -> str:
        """What the citizen waits for, from the case as it stands stored."""
        if self.case_no is None:
            return "draft"
        now = self.people.case(self.case_no)
        if now is None:
            return "nowhere"
        for obligation in ("papers", "decision"):
            if now.stage == "in_review" and obligation in now.case.obligations:
                return obligation
        return WORDS.get(now.stage, str(now.stage))
