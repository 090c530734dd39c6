"""What persons do to a case: correct, upload, withdraw, decide.

Each names the version that the person saw (`If-Match`). The version goes into the
event's key; the write's condition is the version just read. A change of stage since
then is a conflict, a parcel scanned in between is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotrip.cases import commands
from zerotrip.cases.applications import material_of
from zerotrip.cases.commands import Command, is_same_request
from zerotrip.cases.handed import fingerprint, form_row, read_handed
from zerotrip.cases.lifecycle import Stage, step_allowed_from
from zerotrip.cases.model import CaseNow, case_key, read
from zerotrip.catalogue.forms import require_valid
from zerotrip.catalogue.publication import Catalogue
from zerotrip.kernel.aggregate import Change, EventRow
from zerotrip.kernel.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
)
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import Objects, UploadForm
from zerotrip.kernel.records import Committed, Overtaken, Records, Taken
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.steps import ATTEMPTS
from zerotrip.materials.model import Holder, HolderKind, Slot, pins
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced, issue_upload


@dataclass(frozen=True, slots=True)
class Requests:
    """Persons' commands on cases."""

    tenant: str
    records: Records
    catalogue: Catalogue
    keys: KeyRing
    slots: Slots
    uploads: Objects
    mint: Mint
    now: Callable[[], datetime]

    def own(self, case_no: str, sub: str) -> CaseNow:
        """The applicant's own case. NotFound alike for none and another's."""
        now = self._read(case_no)
        if now.case.sub != sub:
            raise case_unknown()
        return now

    def of_organisation(
        self, case_no: str, organisation: str, department: str
    ) -> CaseNow:
        """A case of the officer's own office, else NotFound."""
        now = self._read(case_no)
        if (now.case.organisation, now.case.department) != (organisation, department):
            raise case_unknown()
        return now

    def withdraw(self, case_no: str, sub: str, seen: int) -> Committed:
        """Takes the case back; what is open is cancelled."""
        self.own(case_no, sub)
        command = Command(f"v{seen}", sub, self.now())

        def decide(now: CaseNow) -> Change:
            tasks = self.records.rows(now.key, "TASK#")
            return commands.withdraw(now, command, tasks)

        return self._carry_out(case_no, "withdraw", command, decide)

    def correct(
        self, case_no: str, sub: str, seen: int, form: Mapping[str, Any]
    ) -> Committed:
        """Hands the mended form in; uploads made since replace what they were for."""
        own = self.own(case_no, sub)
        item = self.catalogue.pinned(self.tenant, own.case.item, own.case.item_digest)
        require_valid(item, dict(form))
        data_key = self.keys.open(self.tenant, own.case.key_owner)
        request = fingerprint(data_key, dict(form))
        command = Command(f"v{seen}", sub, self.now(), request)

        def decide(now: CaseNow) -> Change:
            before = read_handed(self.records, self.keys, now)
            sk = f"FORM#{now.head.version + 1:06}"
            materials = {**before.materials, **pins(self.slots.of(_holder(now)))}
            row = form_row(data_key, now.key, sk, form, materials)
            return commands.correct(now, command, row)

        return self._carry_out(case_no, "correct", command, decide)

    def open_upload(
        self, case_no: str, sub: str, material_code: str, announced: Announced
    ) -> tuple[Slot, UploadForm]:
        """A form for a material that is asked for while corrections are open."""
        now = self.own(case_no, sub)
        if now.stage is not Stage.CORRECTING:
            raise Conflict(
                "materials_not_asked",
                "该办件目前不需要补充材料。",
                "The case does not ask for materials now.",
                detail={"stage": now.stage},
            )
        item = self.catalogue.pinned(self.tenant, now.case.item, now.case.item_digest)
        return issue_upload(
            self.slots,
            self.uploads,
            self.mint,
            now=self.now(),
            holder=_holder(now),
            material=material_of(item, material_code),
            announced=announced,
        )

    def decide(
        self, now: CaseNow, officer: str, seen: int, decision: str, reasons: str
    ) -> Committed:
        """Records an officer's decision; it is carried out afterwards.

        Raises Conflict with the winner when the case was decided before, Forbidden
        `own_case` when the officer is the applicant.
        """
        if officer == now.case.sub:
            raise Forbidden(
                "own_case",
                "不能审批本人的申请，请由其他人员办理。",
                "Nobody decides their own application; a colleague must.",
            )
        data_key = self.keys.open(self.tenant, now.case.key_owner)
        request = fingerprint(data_key, [decision, reasons])
        command = Command(f"v{seen}", officer, self.now(), request)

        def record(now: CaseNow) -> Change:
            tasks = self.records.rows(now.key, "TASK#")
            task = next((row for row in tasks if row.work is not None), None)
            if task is None:
                raise came_first(now, self.records.history(now.key)[-1])
            sealed = data_key.seal(now.key.ref, f"reasons#{seen}", reasons.encode())
            return commands.record_decision(now, command, decision, sealed, task)

        return self._carry_out(now.key.id, "decide", command, record)

    def _read(self, case_no: str) -> CaseNow:
        if "#" in case_no:
            raise case_unknown()
        head = self.records.head(case_key(self.tenant, case_no))
        if head is None:
            raise case_unknown()
        return read(head)

    def _carry_out(
        self,
        case_no: str,
        step: str,
        command: Command,
        decide: Callable[[CaseNow], Change],
    ) -> Committed:
        seen = int(command.cause.removeprefix("v"))
        for _ in range(ATTEMPTS):
            now = self._read(case_no)
            if seen > now.head.version:
                raise PreconditionFailed(
                    "version_unknown",
                    "页面版本有误，请刷新后重试。",
                    "That version of the case does not exist: load it again.",
                )
            done = self.records.event(now.key, f"EVENT#{step}#{command.cause}")
            if done is not None:
                if is_same_request(done, step, command):
                    return Committed((done,), duplicate=True)
                raise came_first(now, done)
            if (
                now.stage not in step_allowed_from(step)
                or self._stage_at(now, seen) != now.stage
            ):
                raise came_first(now, self.records.history(now.key)[-1])
            try:
                return self.records.commit(decide(now))
            except Overtaken:
                continue
            except Taken as taken:
                raise came_first(now, taken.winner) from taken
        raise Conflict(
            "case_busy",
            "办件正在被同时处理，请稍后再试。",
            "The case is being worked on at this moment: try again.",
        )

    def _stage_at(self, now: CaseNow, seen: int) -> str:
        if seen == now.head.version:
            return now.stage
        stages = {row.seq: row.body["stage"] for row in self.records.history(now.key)}
        return str(stages.get(seen, ""))


def case_unknown() -> NotFound:
    """No such case, or not yours."""
    return NotFound("case_unknown", "没有找到该办件。", "There is no such case.")


def came_first(now: CaseNow, winner: EventRow) -> Conflict:
    """The stage has changed since, or another decision holds: says what came first."""
    return Conflict(
        "stage_changed",
        "办件状态已变化，本操作未执行，请刷新后查看。",
        "The case has moved on; nothing was done. Please load it again.",
        detail={
            "stage": str(now.stage),
            "winner": {
                "event": winner.type,
                "time": winner.time,
                "seq": winner.seq,
                **{
                    name: winner.body[name]
                    for name in ("decision",)
                    if name in winner.body
                },
            },
        },
    )


def _holder(now: CaseNow) -> Holder:
    return Holder(now.key.tenant, HolderKind.CASE, now.key.id)
