"""The vault: every file that a person has handed up, by its content. Pure.

The same bytes are one entry, whatever they were called and wherever they came. An entry
stands for a material again when the item says for how long (`reusable_months`), and the
person agrees, each time anew.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Fault, Invalid
from zerotrip.materials.model import Holder, Reused, Slot, SlotState
from zerotrip.materials.scanning import Verdict
from zerotrip.materials.uploads import Announced, require_acceptable

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Material

MOST_USES = 20
"""Materials that one content was handed up as; later ones do not enter."""
MOST_CONSENTS = 20
"""Of one content for one material of one application; the oldest are dropped."""
# Eight digits in a row are a date, a telephone or an identity number: nothing that a
# purpose needs.
_NUMBER = re.compile(r"[0-9]{8}")


@dataclass(frozen=True, slots=True)
class Use:
    """As which material of which item a content came, and when."""

    item: str
    item_digest: str
    at: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One content of a person's: where it first came, and as what it came since.

    `uses` is by material code; the paper is as old as `received_at` says, its first
    coming, however often it came again. `revision` counts writes of the row.
    """

    tenant: str
    sub: str
    sha256: str
    holder: Holder
    key: str
    version_id: str
    content_type: str
    size_bytes: int
    received_at: datetime
    scan: Verdict | None
    uses: Mapping[str, Use]
    revision: int = 0

    @classmethod
    def of(cls, slot: Slot, sub: str, use: Use, now: datetime) -> Self:
        """The first entry of a slot's received file."""
        return cls(
            tenant=slot.holder.tenant,
            sub=sub,
            sha256=str(slot.sha256),
            holder=slot.holder,
            key=slot.file_key,
            version_id=str(slot.version_id),
            content_type=slot.content_type,
            size_bytes=slot.size_bytes,
            received_at=now,
            scan=slot.scan,
            uses={slot.code: use},
        )

    def used_as(self, code: str, use: Use) -> Self | None:
        """The entry with one more material; None when nothing is new."""
        if code in self.uses or len(self.uses) >= MOST_USES:
            return None
        return replace(self, uses={**self.uses, code: use})

    def valid_until(self, months: int) -> date:
        """The last legal day on which it may stand for a material."""
        return times.add_months(times.legal_day(self.received_at), months)


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person agreed to, and when: this content, here, for this purpose."""

    purpose: str
    at: datetime

    def __post_init__(self) -> None:
        """Raises Invalid `purpose_personal`: a purpose is kept in clear."""
        if _NUMBER.search(self.purpose):
            fault = Fault(
                "/purpose",
                "purpose_personal",
                "用途说明中请勿填写证件号码、电话等个人信息。",
                "State the purpose without identity numbers, telephones or the like.",
            )
            raise Invalid("purpose_personal", fault.zh, fault.en, faults=(fault,))


def consent(purpose: str, agreed: bool, now: datetime) -> Consent:
    """The person's agreement. Raises Invalid `consent_missing`, `purpose_personal`."""
    if agreed:
        return Consent(purpose, now)
    fault = Fault(
        "/consent",
        "consent_missing",
        "须经本人同意方可再次使用已存材料；也可重新上传。",
        "A stored file is used again only when you agree; you may also upload anew.",
    )
    raise Invalid("consent_missing", fault.zh, fault.en, faults=(fault,))


def reused_slot(
    entry: Entry,
    material: Material,
    *,
    holder: Holder,
    upload_id: str,
    agreed: Consent,
    expires_at: int | None,
) -> tuple[Slot, date]:
    """The slot that a stored file fills, and until when it may stand there.

    Raises Conflict `vault_reuse_not_offered`, `vault_material_other`,
    `vault_material_too_old`; Invalid `material_not_acceptable` with every fault.
    """
    if material.reusable_months is None:
        raise Conflict(
            "vault_reuse_not_offered",
            "该事项要求每次重新提供此项材料，请上传。",
            "The item asks for this material anew each time: please upload it.",
            detail={"material": material.code},
        )
    if material.code not in entry.uses:
        raise Conflict(
            "vault_material_other",
            "所选文件当时是作为其他材料上传的，不能用于此项，请上传。",
            "That file came as another material and cannot stand for this one: "
            "please upload it.",
            detail={"materials": sorted(entry.uses)},
        )
    until = entry.valid_until(material.reusable_months)
    if times.legal_day(agreed.at) > until:
        raise Conflict(
            "vault_material_too_old",
            "所存材料已超过可再次使用的期限，请重新上传。",
            "The stored file is too old to be used again: please upload a new one.",
            detail={"valid_until": str(until)},
        )
    require_acceptable(material, Announced(entry.content_type, entry.size_bytes))
    slot = Slot(
        holder=holder,
        code=material.code,
        upload_id=upload_id,
        content_type=entry.content_type,
        size_bytes=entry.size_bytes,
        issued_at=agreed.at,
        state=SlotState.RECEIVED,
        version_id=entry.version_id,
        sha256=entry.sha256,
        true_type=entry.content_type,
        scan=entry.scan,
        reused=Reused(entry.sha256, entry.key, agreed.purpose, agreed.at),
        expires_at=expires_at,
    )
    return slot, until


def consent_record(
    agreed: Consent, until: date, upload_id: str, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The body of a reuse's row: each consent, the newest last."""
    given = {
        "consent_at": times.to_text(agreed.at),
        "purpose": agreed.purpose,
        "valid_until": str(until),
        "upload_id": upload_id,
    }
    earlier = list(before["consents"]) if before else []
    return {"consents": [*earlier, given][-MOST_CONSENTS:]}
