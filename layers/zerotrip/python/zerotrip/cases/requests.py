"""What persons do to a case: correct, upload, withdraw, return, decide.

Each names the version that the person saw (`If-Match`). The version goes into the
event's key; the write's condition is the version just read. A change of stage since
then is a conflict, a parcel scanned in between is none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotrip.cases import commands
from zerotrip.cases.applicant import require_in_person
from zerotrip.cases.applications import (
    Applicants,
    material_of,
    require_applicant,
)
from zerotrip.cases.asking import late_by_officer, officers_row, told_before
from zerotrip.cases.commands import Command, is_same_request
from zerotrip.cases.decisions import require_articles, sealed_grounds
from zerotrip.cases.handed import fingerprint, form_row, read_handed, with_promises
from zerotrip.cases.lifecycle import Obligation, Stage, step_allowed_from
from zerotrip.cases.model import CaseNow, Handed, case_key, read
from zerotrip.cases.promises import PROMISED, read_promises, require_promisable
from zerotrip.cases.query_codes import telephone_hash, telephone_rewritten
from zerotrip.catalogue.forms import require_valid
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.pointers import schema_at
from zerotrip.catalogue.publication import Catalogue
from zerotrip.identity.powers import Acting
from zerotrip.kernel.aggregate import Change, EventRow, Row
from zerotrip.kernel.errors import (
    Conflict,
    Fault,
    Invalid,
    NotFound,
    PreconditionFailed,
)
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import Objects, UploadForm
from zerotrip.kernel.records import (
    Committed,
    CompanionFailed,
    Overtaken,
    Records,
    Taken,
)
from zerotrip.kernel.sealing import DataKey, KeyRing
from zerotrip.kernel.steps import ATTEMPTS
from zerotrip.kernel.tables import Write
from zerotrip.materials.model import Holder, HolderKind, Slot, pins
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced, issue_upload


@dataclass(frozen=True, slots=True)
class LateReason:
    """Why a defect is told late: a code that supervision counts, and the words.

    The words are a person's own: they stand sealed in the event.
    """

    code: str
    text: str


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
    applicants: Applicants
    hash_key: bytes

    def own(self, case_no: str, acting: Acting) -> CaseNow:
        """A case within reach. NotFound alike for none and another's."""
        now = self._read(case_no)
        if not acting.reaches(now.case.sub, now.case.item, case_no):
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

    def withdraw(self, case_no: str, acting: Acting, seen: int) -> Committed:
        """Takes the case back; what is open is cancelled."""
        self._require_may_act(self.own(case_no, acting), acting)
        command = _persons(acting, seen, self.now())

        def decide(now: CaseNow) -> Change:
            tasks = self.records.rows(now.key, "TASK#")
            return commands.withdraw(now, command, tasks)

        return self._carry_out(case_no, "withdraw", command, decide)

    def correct(
        self,
        case_no: str,
        acting: Acting,
        seen: int,
        form: Mapping[str, Any] | None,
        promised: Sequence[str] = (),
    ) -> Committed:
        """Hands the mended form in, or in review what was promised.

        Uploads made since replace what they were for; without a form the latest one
        stands. `promised` are materials that are to follow. Raises as
        `applications.require_applicant` does, where a form is handed in, and Conflict
        `correction_changes_nothing`.
        """
        own = self.own(case_no, acting)
        item = self.catalogue.pinned(self.tenant, own.case.item, own.case.item_digest)
        by = None
        if form is not None:
            form, by = require_applicant(
                item, form, acting, self.applicants, self.now()
            )
            require_valid(item, form)
        else:
            self._require_may_act(own, acting)
        require_promisable(item, promised)
        data_key = self.keys.open(self.tenant, own.case.key_owner)
        asked: object = None if form is None else dict(form)
        if promised:
            asked = [asked, *sorted(promised)]
        request = fingerprint(data_key, asked)
        command = _persons(acting, seen, self.now(), request)

        def decide(now: CaseNow) -> Change:
            before = read_handed(self.records, self.keys, now)
            if now.stage is Stage.IN_REVIEW:
                return self._keep_promises(now, command, before, form, data_key)
            pinned = pins(self.slots.of(_holder(now)))
            handed = Handed(
                before.form if form is None else form,
                {**before.materials, **pinned},
                tuple(dict.fromkeys((*before.promised, *promised))),
                by or before.by,
            )
            if handed.says_the_same(before):
                raise correction_changes_nothing()
            return commands.correct(now, command, _form_row(data_key, now, handed))

        def pointer(now: CaseNow) -> Sequence[Write]:
            code = now.case.code
            if form is None or code is None:
                return ()
            telephone = telephone_hash(self.hash_key, code, item, form)
            return telephone_rewritten(
                self.records.tables, self.tenant, code, telephone
            )

        return self._carry_out(case_no, "correct", command, decide, pointer)

    def _keep_promises(
        self,
        now: CaseNow,
        command: Command,
        before: Handed,
        form: Mapping[str, Any] | None,
        data_key: DataKey,
    ) -> Change:
        if Obligation.PROMISES not in now.case.obligations:
            raise came_first(now, self.records.history(now.key)[-1])
        if form is not None and dict(form) != dict(before.form):
            raise Conflict(
                "form_under_review",
                "申请正在审查，申请表不能修改，只需补交容缺材料。",
                "The form is under review and stays as it is: hand in the material.",
            )
        promises = read_promises(self.records.row(now.key, PROMISED))
        there = pins(
            slot for slot in self.slots.of(_holder(now)) if slot.code in promises.open
        )
        if not there:
            raise Conflict(
                "promised_material_missing",
                "尚未收到您承诺补交的材料，请先上传。",
                "What was promised is not there yet: please upload it first.",
                detail={"materials": sorted(promises.open)},
            )
        materials = {**before.materials, **there}
        handed = Handed(before.form, materials, before.promised, before.by)
        row = _form_row(data_key, now, handed)
        return commands.keep_promises(now, command, row, promises.with_kept(there))

    def open_upload(
        self, case_no: str, acting: Acting, material_code: str, announced: Announced
    ) -> tuple[Slot, UploadForm]:
        """A form for a material that the case asks for, or that was promised."""
        now = self.own(case_no, acting)
        self._require_may_act(now, acting)
        if not self._asks_for(now, material_code):
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

    def _require_may_act(self, now: CaseNow, acting: Acting) -> None:
        """Raises Forbidden `agents_forbidden` where the item is in person only."""
        item = self.catalogue.pinned(self.tenant, now.case.item, now.case.item_digest)
        require_in_person(item, acting)

    def _asks_for(self, now: CaseNow, material_code: str) -> bool:
        if now.stage is Stage.CORRECTING:
            return True
        if Obligation.PROMISES not in now.case.obligations:
            return False
        row = self.records.row(now.key, PROMISED)
        return material_code in read_promises(row).open

    def return_case(
        self,
        now: CaseNow,
        officer: str,
        seen: int,
        defects: Sequence[Fault],
        late_reason: LateReason | None,
    ) -> Committed:
        """An officer's one notice of what is to be mended.

        Raises Conflict `defect_was_visible` for what an earlier notice had to name,
        unless a reason is given; Invalid `defect_path_unknown`.
        """
        item = self.catalogue.pinned(self.tenant, now.case.item, now.case.item_digest)
        require_places(item, defects)
        data_key = self.keys.open(self.tenant, now.case.key_owner)
        reason = late_reason and [late_reason.code, late_reason.text]
        listed = [fault.as_json() for fault in defects]
        request = fingerprint(data_key, ["return", listed, reason])
        command = Command(f"v{seen}", officer, self.now(), request)

        def send_back(now: CaseNow) -> Change:
            task = self._open_task(now)
            handed = read_handed(self.records, self.keys, now)
            earlier = told_before(self.records, self.keys, now)
            late = late_by_officer(defects, handed, earlier)
            if late and late_reason is None:
                raise defect_was_visible(late)
            sealed = None
            if late and late_reason is not None:
                text = late_reason.text.encode()
                sealed = data_key.seal(now.key.ref, f"late#{seen}", text)
            return commands.return_case(
                now,
                command,
                officers_row(now, data_key, defects),
                late=[
                    {"path": each.path, "code": each.code, "reason": late_reason.code}
                    for each in late
                    if late_reason is not None
                ],
                sealed_reason=sealed,
                task=task,
            )

        return self._carry_out(now.key.id, "return", command, send_back)

    def decide(
        self,
        now: CaseNow,
        officer: str,
        seen: int,
        decision: str,
        reasons: str,
        *,
        articles: Sequence[str] = (),
    ) -> Committed:
        """Records an officer's decision; it is carried out afterwards.

        `articles` are those that it applies. Raises Invalid `articles_missing`, and
        Conflict with the winner when the case was decided before.
        """
        require_articles(decision, articles)
        data_key = self.keys.open(self.tenant, now.case.key_owner)
        request = fingerprint(data_key, [decision, reasons, *articles])
        command = Command(f"v{seen}", officer, self.now(), request)

        def record(now: CaseNow) -> Change:
            task = self._open_task(now)
            sealed = sealed_grounds(data_key, now, seen, reasons, articles)
            return commands.record_decision(now, command, decision, sealed, task)

        return self._carry_out(now.key.id, "decide", command, record)

    def _open_task(self, now: CaseNow) -> Row:
        tasks = self.records.rows(now.key, "TASK#")
        task = next((row for row in tasks if row.work is not None), None)
        if task is None:
            raise came_first(now, self.records.history(now.key)[-1])
        return task

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
        companions: Callable[[CaseNow], Sequence[Write]] = lambda _: (),
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
            if now.stage not in step_allowed_from(step) or self._left_since(now, seen):
                raise came_first(now, self.records.history(now.key)[-1])
            try:
                change = decide(now)
                return self.records.commit(change, companions=companions(now))
            except (Overtaken, CompanionFailed):
                continue
            except Taken as taken:
                raise came_first(now, taken.winner) from taken
        raise Conflict(
            "case_busy",
            "办件正在被同时处理，请稍后再试。",
            "The case is being worked on at this moment: try again.",
        )

    def _left_since(self, now: CaseNow, seen: int) -> bool:
        """Whether the case has left its stage since that version, even to come back.

        After a second round the stage is the same and the form another: whoever saw
        the first one has not seen what lies there now.
        """
        if seen == now.head.version:
            return False
        stages = {row.seq: row.body["stage"] for row in self.records.history(now.key)}
        return seen not in stages or any(
            stage != now.stage for seq, stage in stages.items() if seq >= seen
        )


def case_unknown() -> NotFound:
    """No such case, or not yours."""
    return NotFound("case_unknown", "没有找到该办件。", "There is no such case.")


def came_first(now: CaseNow, winner: EventRow) -> Conflict:
    """The stage was left since, or another decision holds: says what came first."""
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


def correction_changes_nothing() -> Conflict:
    """Form, materials and promises are as they lie with the office already."""
    return Conflict(
        "correction_changes_nothing",
        "补正内容与现有申请完全相同，请按补正要求修改申请表或者重新上传材料后再提交；"
        "认为无需补正的，可与受理部门联系或者撤回申请。",
        "Nothing in it differs from what lies with the office already: change the form "
        "or upload what the notice names, then hand it in. If nothing is wrong, ask "
        "the office, or withdraw the application.",
    )


def defect_was_visible(late: Sequence[Fault]) -> Conflict:
    """What an earlier notice had to name may not be asked for any more."""
    return Conflict(
        "defect_was_visible",
        "所列问题首次告知时已能发现，不能再次要求补正；属于例外情形的，请说明理由。",
        "This could be seen when the applicant was told what to mend, and was not "
        "told: it may not be asked for now, unless you give the reason.",
        detail={"defects": [{"path": each.path, "code": each.code} for each in late]},
    )


def require_places(item: Item, defects: Sequence[Fault]) -> None:
    """Raises Invalid `defect_path_unknown` where the item has no such field."""
    wrong = [
        Fault(
            f"/defects/{place}/path",
            "defect_path_unknown",
            "该事项的申请表或材料中没有这一项。",
            "The item has no such field or material.",
        )
        for place, each in enumerate(defects)
        if not _is_place(item, each.path)
    ]
    if wrong:
        raise Invalid(
            "defect_path_unknown",
            "补正内容指向的位置不存在，请逐项修改。",
            "A defect names a place that the item does not have.",
            faults=wrong,
        )


def _is_place(item: Item, path: str) -> bool:
    part, _, rest = path[1:].partition("/")
    if part == "materials":
        return item.material(rest) is not None
    return part == "form" and schema_at(item.form, f"/{rest}") is not None


def _persons(acting: Acting, seen: int, now: datetime, request: str = "") -> Command:
    """The command of who acts, which says for whom."""
    return Command(f"v{seen}", acting.actor, now, request, on_behalf=acting.on_behalf)


def _form_row(data_key: DataKey, now: CaseNow, handed: Handed) -> Row:
    sk = f"FORM#{now.head.version + 1:06}"
    return form_row(
        data_key, now.key, sk, handed.form, with_promises(handed), by=handed.by
    )


def _holder(now: CaseNow) -> Holder:
    return Holder(now.key.tenant, HolderKind.CASE, now.key.id)
