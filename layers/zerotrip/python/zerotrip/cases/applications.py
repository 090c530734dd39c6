"""What an applicant does before there is a case: draft, upload, hand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from zerotrip.cases.commands import as_body
from zerotrip.cases.drafts import (
    DRAFTS_TABLE,
    FROZEN,
    LIFETIME,
    OPEN,
    Draft,
    Drafts,
    already_submitted,
    draft_changed,
    row_of,
)
from zerotrip.cases.handed import fingerprint, form_row
from zerotrip.cases.lifecycle import Stage, watch_due
from zerotrip.cases.model import Case, Watch, case_key
from zerotrip.catalogue.forms import require_valid
from zerotrip.catalogue.model import Item, Material
from zerotrip.catalogue.publication import Catalogue
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Event, digest
from zerotrip.kernel.errors import Forbidden, NotFound, Retry
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import Objects, UploadForm
from zerotrip.kernel.records import CompanionFailed, Overtaken, Records, Taken
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import Expect, Put, Write
from zerotrip.materials.model import Holder, HolderKind, Slot, pins
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced, issue_upload

SLOTS_OUTLIVE = timedelta(days=365)
_NUMBERS_TRIED = 5
"""At 26,000 of one item on one day one number in forty is taken: five misses in a row
come once in a hundred million."""
AUDIENCE_ROLE = {"person": "citizen", "company": "company"}


@dataclass(frozen=True, slots=True)
class Applications:
    """The applicant's commands on drafts, up to the freeze."""

    tenant: str
    drafts: Drafts
    records: Records
    catalogue: Catalogue
    keys: KeyRing
    slots: Slots
    uploads: Objects
    mint: Mint
    now: Callable[[], datetime]

    def start(self, sub: str, roles: frozenset[str], item_code: str) -> Draft:
        """An empty draft of an item that this kind of applicant may apply for."""
        pinned = self.catalogue.current(self.tenant, item_code)
        if AUDIENCE_ROLE[pinned.item.audience] not in roles:
            raise Forbidden(
                "audience_other",
                "该事项面向其他类型的申请人，请切换身份后再申请。",
                "This item is for the other kind of applicant.",
                detail={"audience": pinned.item.audience},
            )
        moment = self.now()
        at = times.to_text(moment)
        return self.drafts.create(
            Draft(
                tenant=self.tenant,
                id=self.mint.opaque(),
                sub=sub,
                item=item_code,
                item_digest=pinned.digest,
                version=1,
                state=OPEN,
                form={},
                created_at=at,
                updated_at=at,
                expires_at=moment + LIFETIME,
            )
        )

    def own(self, sub: str, application_id: str) -> Draft:
        """The applicant's own draft."""
        return self.drafts.own(self.tenant, application_id, sub)

    def save(
        self, sub: str, application_id: str, seen: int, form: Mapping[str, Any]
    ) -> Draft:
        """Keeps a form that may still be incomplete; nothing is checked yet."""
        return self.drafts.save(self.own(sub, application_id), seen, form, self.now())

    def slots_of(self, draft: Draft) -> tuple[Slot, ...]:
        """The draft's material slots."""
        return self.slots.of(_holder(draft))

    def open_upload(
        self, sub: str, application_id: str, material_code: str, announced: Announced
    ) -> tuple[Slot, UploadForm]:
        """A form with which exactly that file can be uploaded."""
        draft = self.own(sub, application_id)
        if draft.state == FROZEN:
            raise already_submitted(draft)
        item = self.catalogue.pinned(self.tenant, draft.item, draft.item_digest)
        return issue_upload(
            self.slots,
            self.uploads,
            self.mint,
            now=self.now(),
            holder=_holder(draft),
            material=material_of(item, material_code),
            announced=announced,
            # Saving prolongs the draft, not its slots: they outlive it by far.
            expires_at=int((draft.expires_at + SLOTS_OUTLIVE).timestamp()),
        )

    def hand_in(
        self,
        sub: str,
        application_id: str,
        seen: int | None,
        companions: Callable[[str], Sequence[Write]] = lambda _: (),
    ) -> str:
        """Freezes the draft in one transaction and answers the case number.

        Handing in twice answers the same number. `companions` makes further writes of
        the same transaction from the number (the answer under an Idempotency-Key).
        """
        for _ in range(_NUMBERS_TRIED):
            draft = self.own(sub, application_id)
            if draft.state == FROZEN and draft.case_no:
                return draft.case_no
            if seen is not None and seen != draft.version:
                raise draft_changed()
            try:
                return self._hand_in(draft, companions)
            except CompanionFailed:
                now = self.own(sub, application_id)
                if now.state == FROZEN and now.case_no:
                    return now.case_no
                raise draft_changed() from None
            except (Overtaken, Taken):
                # The number is another case's: six digits a day meet their like among
                # a thousand. Another is drawn; nothing of ours was stored.
                continue
        raise Retry(
            "case_numbers_busy",
            "办件编号正忙，请稍后再次提交，内容不会丢失。",
            "No free case number was found; please hand in again, nothing is lost.",
        )

    def _hand_in(
        self, draft: Draft, companions: Callable[[str], Sequence[Write]]
    ) -> str:
        pinned = self.catalogue.current(self.tenant, draft.item)
        require_valid(pinned.item, dict(draft.form))
        materials = pins(self.slots_of(draft))
        moment = self.now()
        case_no = self.mint.case_number(draft.item, times.legal_day(moment))
        frozen = replace(
            draft,
            state=FROZEN,
            case_no=case_no,
            item_digest=pinned.digest,
            version=draft.version + 1,
            updated_at=times.to_text(moment),
        )
        change = self._freeze(frozen, draft.version, pinned.item, materials, moment)
        data_key = self.keys.open(self.tenant, draft.owner)
        put = Put(
            DRAFTS_TABLE,
            row_of(frozen, data_key),
            Expect(version=draft.version, stages=frozenset({OPEN})),
        )
        self.records.commit(change, companions=[put, *companions(case_no)])
        return case_no

    def _freeze(
        self,
        frozen: Draft,
        seen: int,
        item: Item,
        materials: Mapping[str, Any],
        moment: datetime,
    ) -> Change:
        key = case_key(self.tenant, str(frozen.case_no))
        data_key = self.keys.open(self.tenant, frozen.owner)
        at = times.to_text(moment)
        event = Event(
            type="case.received",
            step="freeze",
            cause=f"v{seen}",
            time=moment,
            actor=frozen.sub,
            request_hash=digest(
                ["freeze", frozen.id, fingerprint(data_key, dict(frozen.form))]
            ),
            next_steps=("submit",),
            body={
                "stage": str(Stage.RECEIVED),
                "application": frozen.id,
                "item": frozen.item,
                "item_digest": frozen.item_digest,
            },
        )
        due = times.to_text(watch_due(moment, 0))
        case = Case(
            item=frozen.item,
            item_digest=frozen.item_digest,
            organisation=item.organisation.uscc,
            department=item.department,
            sub=frozen.sub,
            application=frozen.id,
            received_at=at,
            watch={"1": Watch(sk=event.sk, due=due, until="answer")},
        )
        return Change(
            key=key,
            expected_version=0,
            allowed_from=frozenset(),
            stage=str(Stage.RECEIVED),
            organisation=case.organisation,
            body=as_body(case),
            event=event,
            due_at=due,
            subject=(frozen.sub, at),
            rows=(form_row(data_key, key, "FORM", frozen.form, materials),),
        )


def material_of(item: Item, code: str) -> Material:
    """The item's material of that code. Raises NotFound."""
    material = item.material(code)
    if material is None:
        raise NotFound(
            "material_unknown",
            "该事项没有这项材料。",
            "The item has no such material.",
            detail={"materials": [each.code for each in item.materials]},
        )
    return material


def _holder(draft: Draft) -> Holder:
    return Holder(draft.tenant, HolderKind.APPLICATION, draft.id)
