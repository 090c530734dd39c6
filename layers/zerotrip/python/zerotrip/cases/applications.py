"""What an applicant does before there is a case: draft, upload, hand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from zerotrip.cases.applicant import (
    filled,
    handed_by,
    proven_fields,
    require_level,
    require_may_apply,
    require_own,
    spelled,
)
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
from zerotrip.cases.handed import fingerprint, form_row, with_promises
from zerotrip.cases.lifecycle import Stage
from zerotrip.cases.model import Case, Handed, HandedBy, Watch, case_key
from zerotrip.cases.promises import require_promisable
from zerotrip.catalogue.forms import require_valid
from zerotrip.catalogue.model import Item, Material
from zerotrip.catalogue.publication import Catalogue
from zerotrip.identity.model import Proven
from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Event, Key, Row, digest
from zerotrip.kernel.errors import Forbidden, NotFound, Retry
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import Objects, UploadForm
from zerotrip.kernel.records import CompanionFailed, Overtaken, Records, Taken
from zerotrip.kernel.sealing import DataKey, KeyRing
from zerotrip.kernel.tables import Expect, Put, Write
from zerotrip.kernel.watch import watch_due
from zerotrip.materials.model import Holder, HolderKind, Slot, SlotState, pins
from zerotrip.materials.store import Slots
from zerotrip.materials.uploads import Announced, issue_upload
from zerotrip.materials.vault import Consent, reused_slot
from zerotrip.materials.vault_store import Vaults

if TYPE_CHECKING:
    # Imported where an item asks something of the state: most ask nothing, and a cold
    # start need not know how it is looked up.
    from zerotrip.sources.model import Application, Resolved, Standing
    from zerotrip.sources.remembered import Offer
    from zerotrip.sources.resolving import Sources

SLOTS_OUTLIVE = timedelta(days=365)
_NUMBERS_TRIED = 5
"""At 26,000 of one item on one day one number in forty is taken: five misses in a row
come once in a hundred million."""
REMEMBERED = 3
"""Earlier applications that are opened to offer answers again: a KMS call each."""
AUDIENCE_ROLE = {"person": "citizen", "company": "company"}


class Applicants(Protocol):
    """Opens who acts, and for whom: `identity.callers.Callers`."""

    def applicant(self, acting: Acting) -> Proven | None:
        """For whom is applied; None where nobody vouched for it."""

    def agent(self, acting: Acting) -> Proven | None:
        """Who applies for somebody else; None where nobody does."""


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
    applicants: Applicants
    sources: Callable[[], Sources] | None = None
    """None: what the state has is looked up in the register, and nobody is asked."""

    def start(self, acting: Acting, item_code: str) -> Draft:
        """A draft of an item that this kind of applicant may apply for.

        Who is proven need not type it: those fields are filled in. What the state has
        is looked up at once, so that nobody is asked for it.
        """
        pinned = self.catalogue.current(self.tenant, item_code)
        if not acting.reaches(acting.sub, item_code):
            raise _outside_power()
        if AUDIENCE_ROLE[pinned.item.audience] not in acting.roles:
            raise _audience_other(pinned.item)
        moment = self.now()
        at = times.to_text(moment)
        proven = self.applicants.applicant(acting)
        require_may_apply(pinned.item, acting, proven, times.legal_day(moment))
        draft = self.drafts.create(
            Draft(
                tenant=self.tenant,
                id=self.mint.opaque(),
                sub=acting.sub,
                item=item_code,
                item_digest=pinned.digest,
                version=1,
                state=OPEN,
                form=filled(pinned.item, {}, proven),
                created_at=at,
                updated_at=at,
                expires_at=moment + LIFETIME,
            )
        )
        if _asks_the_state(pinned.item):
            self._sources.begin(_looked_up_for(draft, acting), pinned.item)
        return draft

    def own(self, acting: Acting, application_id: str) -> Draft:
        """A draft of who acts, or is represented."""
        return self.drafts.own(self.tenant, application_id, acting)

    def save(
        self, acting: Acting, application_id: str, seen: int, form: Mapping[str, Any]
    ) -> Draft:
        """Keeps a form that may still be incomplete, and whose applicant is proven.

        Raises Invalid `applicant_differs`; nothing else is checked yet.
        """
        draft = self.own(acting, application_id)
        item = self.catalogue.pinned(self.tenant, draft.item, draft.item_digest)
        proven = self.applicants.applicant(acting)
        require_may_apply(item, acting, proven, times.legal_day(self.now()))
        require_own(item, form, proven, whole=False)
        return self.drafts.save(draft, seen, spelled(item, form, proven), self.now())

    def locked(self, acting: Acting, item: Item) -> dict[str, str]:
        """The fields of the applicant's own that are proven, by pointer."""
        proven = self.applicants.applicant(acting)
        return {} if proven is None else dict(proven_fields(item, proven))

    def slots_of(self, draft: Draft) -> tuple[Slot, ...]:
        """The draft's material slots."""
        return self.slots.of(_holder(draft))

    def standings_of(
        self, draft: Draft, item: Item, acting: Acting
    ) -> tuple[Standing, ...]:
        """How the materials stand that the state may have."""
        if not _asks_the_state(item):
            return ()
        return self._sources.standings(_looked_up_for(draft, acting), item)

    def offers_for(self, draft: Draft, item: Item, acting: Acting) -> dict[str, Offer]:
        """By pointer, the person's own earlier answers for fields still empty."""
        if draft.state == FROZEN:
            return {}
        from zerotrip.sources.remembered import Earlier, empty_fields, offers

        if not empty_fields(item, draft.form):
            return {}
        earlier = [
            Earlier(
                self.catalogue.pinned(self.tenant, each.item, each.item_digest),
                each.form,
                each.updated_at,
            )
            for each in self.drafts.handed_in(self.tenant, acting, REMEMBERED)
        ]
        return offers(item, draft.form, earlier)

    def open_upload(
        self,
        acting: Acting,
        application_id: str,
        material_code: str,
        announced: Announced,
    ) -> tuple[Slot, UploadForm]:
        """A form with which exactly that file can be uploaded.

        Raises Conflict `material_not_asked` for what the state has.
        """
        draft, material = self._to_be_filled(acting, application_id, material_code)
        return issue_upload(
            self.slots,
            self.uploads,
            self.mint,
            now=self.now(),
            holder=_holder(draft),
            material=material,
            announced=announced,
            # Saving prolongs the draft, not its slots: they outlive it by far.
            expires_at=int((draft.expires_at + SLOTS_OUTLIVE).timestamp()),
        )

    def reuse_file(
        self,
        acting: Acting,
        application_id: str,
        material_code: str,
        sha256: str,
        agreed: Consent,
    ) -> tuple[Slot, date]:
        """A slot filled from the person's own vault, and until when it may be.

        Raises Conflict `material_not_asked` and as `vault.reused_slot` does, NotFound
        `vault_entry_unknown`.
        """
        draft, material = self._to_be_filled(acting, application_id, material_code)
        vaults = Vaults(self.slots.tables, self.tenant)
        entry = vaults.own(acting, sha256)
        slot, until = reused_slot(
            entry,
            material,
            holder=_holder(draft),
            upload_id=self.mint.opaque(),
            agreed=agreed,
            expires_at=int((draft.expires_at + SLOTS_OUTLIVE).timestamp()),
        )
        filled = self.slots.open(
            slot, lambda opened: vaults.reusing(entry.sub, opened, agreed, until)
        )
        return filled, until

    def hand_in(
        self,
        acting: Acting,
        application_id: str,
        seen: int | None,
        companions: Callable[[str], Sequence[Write]] = lambda _: (),
        promised: Sequence[str] = (),
    ) -> str:
        """Freezes the draft in one transaction and answers the case number.

        Handing in twice answers the same number. `promised` are codes of materials that
        are to follow (容缺受理); `companions` makes further writes of the same
        transaction from the number (the answer under an Idempotency-Key).
        """
        for _ in range(_NUMBERS_TRIED):
            draft = self.own(acting, application_id)
            if draft.state == FROZEN and draft.case_no:
                return draft.case_no
            if seen is not None and seen != draft.version:
                raise draft_changed()
            try:
                return self._hand_in(draft, acting, companions, promised)
            except CompanionFailed:
                now = self.own(acting, application_id)
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
        self,
        draft: Draft,
        acting: Acting,
        companions: Callable[[str], Sequence[Write]],
        promised: Sequence[str],
    ) -> str:
        pinned = self.catalogue.current(self.tenant, draft.item)
        form, by = require_applicant(
            pinned.item, draft.form, acting, self.applicants, self.now()
        )
        draft = replace(draft, form=form)
        require_valid(pinned.item, dict(draft.form))
        require_promisable(pinned.item, promised)
        slots = self.slots_of(draft)
        resolved: dict[str, Resolved] = {}
        if _asks_the_state(pinned.item):
            # Outside the transaction: a provider may take its seconds.
            resolved = self._sources.for_hand_in(
                _looked_up_for(draft, acting),
                pinned.item,
                {each.code for each in slots if each.state is SlotState.RECEIVED},
                # A file that is being looked at is on its way: `pins` says so.
                (
                    *promised,
                    *(each.code for each in slots if each.state is SlotState.OPEN),
                ),
            )
        there = {
            **pins(each for each in slots if each.code not in resolved),
            **{code: each.pin() for code, each in resolved.items()},
        }
        materials = with_promises(Handed(draft.form, there, tuple(promised)))
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
        change = self._freeze(
            frozen,
            draft.version,
            pinned.item,
            acting,
            by,
            materials=materials,
            resolved=resolved,
            moment=moment,
        )
        put = Put(
            DRAFTS_TABLE,
            row_of(frozen, self.drafts.key_of(frozen)),
            Expect(version=draft.version, stages=frozenset({OPEN})),
        )
        self.records.commit(change, companions=[put, *companions(case_no)])
        return case_no

    def _freeze(
        self,
        frozen: Draft,
        seen: int,
        item: Item,
        acting: Acting,
        by: HandedBy,
        *,
        materials: Mapping[str, Any],
        resolved: Mapping[str, Resolved],
        moment: datetime,
    ) -> Change:
        key = case_key(self.tenant, str(frozen.case_no))
        data_key = self.drafts.key_of(frozen)
        at = times.to_text(moment)
        event = Event(
            type="case.received",
            step="freeze",
            cause=f"v{seen}",
            time=moment,
            actor=acting.actor,
            request_hash=digest(
                ["freeze", frozen.id, fingerprint(data_key, dict(frozen.form))]
            ),
            next_steps=("submit",),
            body={
                "stage": str(Stage.RECEIVED),
                "application": frozen.id,
                "item": frozen.item,
                "item_digest": frozen.item_digest,
                **behalf(acting),
            },
        )
        documents = _document_rows(data_key, key, resolved)
        due = times.to_text(watch_due(moment, 0))
        case = Case(
            item=frozen.item,
            item_digest=frozen.item_digest,
            organisation=item.organisation.uscc,
            department=item.department,
            sub=frozen.sub,
            agents=()
            if acting.power is None or acting.power.is_own
            else (acting.login,),
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
            rows=(
                form_row(data_key, key, "FORM", frozen.form, materials, by=by),
                *documents,
            ),
        )

    def _to_be_filled(
        self, acting: Acting, application_id: str, material_code: str
    ) -> tuple[Draft, Material]:
        """The open draft, and its material that is asked of the applicant."""
        draft = self.own(acting, application_id)
        if draft.state == FROZEN:
            raise already_submitted(draft)
        item = self.catalogue.pinned(self.tenant, draft.item, draft.item_digest)
        proven = self.applicants.applicant(acting)
        require_may_apply(item, acting, proven, times.legal_day(self.now()))
        material = material_of(item, material_code)
        if material.source != "upload":
            self._sources.require_asked(_looked_up_for(draft, acting), item, material)
        return draft, material

    @property
    def _sources(self) -> Sources:
        if self.sources is not None:
            return self.sources()
        from zerotrip.sources.resolving import Sources

        return Sources(self.drafts.tables, self.records, self.keys, self.now)


def require_applicant(
    item: Item,
    form: Mapping[str, Any],
    acting: Acting,
    applicants: Applicants,
    now: datetime,
) -> tuple[dict[str, Any], HandedBy]:
    """The form in the proven spelling, and who hands it in: its applicant or an agent.

    Raises Forbidden `identity_level_too_low`, `agents_forbidden`, `guardian_needed`,
    Invalid `applicant_differs`.
    """
    require_level(item, acting)
    proven = applicants.applicant(acting)
    require_may_apply(item, acting, proven, times.legal_day(now))
    require_own(item, form, proven)
    by = handed_by(acting, proven, applicants.agent(acting))
    return spelled(item, form, proven), by


def behalf(acting: Acting) -> dict[str, Any]:
    """What an event's body says where somebody acts for another."""
    said = acting.on_behalf
    return {} if said is None else {"on_behalf": said}


def _audience_other(item: Item) -> Forbidden:
    if item.audience == "company":
        return Forbidden(
            "audience_company",
            "本事项由企业、个体工商户等申请，请用法人账号（统一身份认证中的单位身份）登录。",
            "Companies and sole traders apply for this: sign in for yours at the "
            "identity provider.",
        )
    return Forbidden(
        "audience_person",
        "本事项由个人申请，请以本人身份登录后办理。",
        "Persons apply for this: sign in as yourself.",
    )


def _outside_power() -> Forbidden:
    return Forbidden(
        "power_missing",
        "您的授权不包括该事项，请由委托人办理，或者请委托人另行授权。",
        "Your authorisation does not include this item: the principal may apply, or "
        "authorise you to.",
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


def _asks_the_state(item: Item) -> bool:
    return any(each.source != "upload" for each in item.materials)


def _document_rows(
    data_key: DataKey, key: Key, resolved: Mapping[str, Resolved]
) -> list[Row]:
    """The case's own rows of what providers gave."""
    if not resolved:
        return []
    from zerotrip.sources.kept import case_row

    made = [case_row(data_key, key.ref, code, each) for code, each in resolved.items()]
    return [row for row in made if row is not None]


def _looked_up_for(draft: Draft, acting: Acting) -> Application:
    from zerotrip.sources.model import Application

    return Application(
        tenant=draft.tenant,
        id=draft.id,
        sub=draft.sub,
        acting=acting,
        started_at=draft.created_at,
        expires_at=int(draft.expires_at.timestamp()),
        form=draft.form,
    )
