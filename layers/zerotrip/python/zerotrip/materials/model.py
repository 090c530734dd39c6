"""A material's slot: one place that one upload fills, and what came of it. Pure.

The same row stands under a draft (`drafts`) and under a case (`records`); its key in
object storage is minted with it (`../shared/data.md`), so a key names its slot.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Fault
from zerotrip.materials.scanning import Verdict

PATIENCE = timedelta(minutes=15)
"""After this an open slot is looked for (`../shared/data.md`, Tables)."""
MOST_LOOKS = 5
"""Looks at 15, 45, 105, 225 and 465 minutes; then only the dead-letter queue helps."""
REMEMBERED_UPLOADS = 4
"""Replaced upload ids that a slot still knows, so that their events are no surprise."""

_KEY = re.compile(
    r"(?P<tenant>[0-9]{6})/(?P<kind>APP|CASE)/(?P<id>[0-9A-Z]{1,64})"
    r"/(?P<slot>[a-z][a-z0-9_]{0,39})/(?P<upload>[0-9A-HJKMNP-TV-Z]{26})"
)


class HolderKind(StrEnum):
    """Who may hold materials."""

    APPLICATION = "APP"  # a draft: before submission
    CASE = "CASE"  # asked for after submission


@dataclass(frozen=True, slots=True)
class Holder:
    """The draft or case that a slot belongs to."""

    tenant: str
    kind: HolderKind
    id: str

    @property
    def pk(self) -> str:
        """Partition key, `441882#APP#…` or `441882#CASE#…`."""
        return f"{self.tenant}#{self.kind}#{self.id}"

    @property
    def table(self) -> str:
        """The short name of the table that holds its slots."""
        return "drafts" if self.kind is HolderKind.APPLICATION else "records"

    @classmethod
    def from_pk(cls, pk: str) -> Holder:
        """Reads a partition key. Raises ValueError for one that holds no slots."""
        tenant, kind, identity = pk.split("#")
        return cls(tenant, HolderKind(kind), identity)


class SlotState(StrEnum):
    """What is true of the slot's present upload."""

    OPEN = "open"  # a form was handed out, no checked file yet
    ABSENT = "absent"  # its time is over and no file was there: nobody waits for it
    RECEIVED = "received"  # a file passed its checks; this version is the material
    REFUSED = "refused"  # a file came and is wrong; `reason` says why


@dataclass(frozen=True, slots=True)
class Reused:
    """That a slot is filled from the vault: by whose content, for what, agreed when.

    `key` is the object key under which the file first came.
    """

    sha256: str
    key: str
    purpose: str
    consent_at: datetime

    def as_json(self) -> dict[str, Any]:
        """What the applicant sees: no key."""
        return {
            "sha256": self.sha256,
            "purpose": self.purpose,
            "consent_at": times.to_text(self.consent_at),
        }

    def as_data(self) -> dict[str, Any]:
        """As it stands in the slot's row."""
        return {**self.as_json(), "key": self.key}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Reads what stands in the slot's row."""
        consent_at = times.from_text(data["consent_at"])
        return cls(data["sha256"], data["key"], data["purpose"], consent_at)


@dataclass(frozen=True, slots=True)
class Slot:
    """One material's place: what was announced, and what came.

    `content_type` and `size_bytes` are what the applicant announced and the form
    enforces; `version_id`, `sha256` (hex) and `true_type` are what was found, `scan`
    what a scanner said of it. With `reused` the file is one of the applicant's vault.
    `revision` counts writes of the row; `expires_at` is the table's TTL, epoch seconds.
    """

    holder: Holder
    code: str
    upload_id: str
    content_type: str
    size_bytes: int
    issued_at: datetime
    state: SlotState = SlotState.OPEN
    version_id: str | None = None
    sha256: str | None = None
    true_type: str | None = None
    reason: Fault | None = None
    scan: Verdict | None = None
    reused: Reused | None = None
    replaced: tuple[str, ...] = ()
    looks: int = 0
    revision: int = field(default=0, compare=False)
    expires_at: int | None = None

    @property
    def sk(self) -> str:
        """Sort key, `SLOT#{code}`."""
        return slot_sk(self.code)

    @property
    def object_key(self) -> str:
        """The one key that the present upload may fill."""
        return object_key(self.holder, self.code, self.upload_id)

    @property
    def file_key(self) -> str:
        """Where the checked file lies: under its own key, or where it first came."""
        return self.reused.key if self.reused else self.object_key

    @property
    def awaits(self) -> bool:
        """Whether a file of the present upload would be taken: also a late one's."""
        return self.state in {SlotState.OPEN, SlotState.ABSENT}

    @property
    def look_at(self) -> datetime | None:
        """When somebody should look for the object; None when nothing is awaited."""
        if not self.awaits or self.looks >= MOST_LOOKS:
            return None
        return self.issued_at + PATIENCE * ((2 << self.looks) - 1)

    def replaced_by(self, fresh: Slot) -> Slot:
        """The fresh upload in this slot's place, which remembers what it replaces."""
        replaced = (self.upload_id, *self.replaced)[:REMEMBERED_UPLOADS]
        return replace(fresh, replaced=replaced, revision=self.revision)

    def received(
        self, version_id: str, sha256: str, scan: Verdict | None = None
    ) -> Slot:
        """The slot with its checked file, which truly is of the announced type."""
        return replace(
            self,
            state=SlotState.RECEIVED,
            version_id=version_id,
            sha256=sha256,
            true_type=self.content_type,
            scan=scan,
        )

    def refused(
        self,
        version_id: str,
        sha256: str,
        true_type: str | None,
        reason: Fault,
        scan: Verdict | None = None,
    ) -> Slot:
        """The slot with the reason why its file was not taken."""
        return replace(
            self,
            state=SlotState.REFUSED,
            version_id=version_id,
            sha256=sha256,
            true_type=true_type,
            reason=reason,
            scan=scan,
        )

    def looked_for(self, *, found: bool) -> Slot:
        """After a look: found, so it is being checked; not found, so it is absent.

        An upload may begin in the form's last second, so absence is looked at twice.
        """
        if found:
            return replace(self, state=SlotState.OPEN, looks=self.looks + 1)
        looks = MOST_LOOKS if self.looks else 1
        return replace(self, state=SlotState.ABSENT, looks=looks)

    def pin(self) -> dict[str, Any]:
        """What a submission freezes of a received slot: the exact version, its hash,
        and what the scanner said."""
        return {
            "key": self.file_key,
            "version_id": self.version_id,
            "sha256": self.sha256,
            "type": self.true_type,
            "size_bytes": self.size_bytes,
            "scan": self.scan.as_data() if self.scan else None,
        }

    def as_json(self) -> dict[str, Any]:
        """What the applicant sees: no key, no version."""
        return {
            "code": self.code,
            "state": self.state.value,
            "content_type": self.content_type,
            "size_bytes": self.size_bytes,
            "issued_at": times.to_text(self.issued_at),
            "sha256": self.sha256,
            "reason": self.reason.as_json() if self.reason else None,
            "scanner": self.scan.scanner if self.scan else None,
            "reused": self.reused.as_json() if self.reused else None,
        }

    def as_data(self) -> dict[str, Any]:
        """The body of the stored row."""
        return {
            "upload_id": self.upload_id,
            "content_type": self.content_type,
            "size_bytes": self.size_bytes,
            "issued_at": times.to_text(self.issued_at),
            "version_id": self.version_id,
            "sha256": self.sha256,
            "true_type": self.true_type,
            "reason": asdict(self.reason) if self.reason else None,
            "scan": self.scan.as_data() if self.scan else None,
            "reused": self.reused.as_data() if self.reused else None,
            "replaced": list(self.replaced),
            "looks": self.looks,
        }

    @classmethod
    def from_data(
        cls,
        holder: Holder,
        code: str,
        state: str,
        data: Mapping[str, Any],
        *,
        revision: int,
        expires_at: int | None,
    ) -> Self:
        """Reads a stored row's body; the oldest ones know neither scans nor reuse."""
        reason, scan, reused = data["reason"], data.get("scan"), data.get("reused")
        return cls(
            holder=holder,
            code=code,
            upload_id=data["upload_id"],
            content_type=data["content_type"],
            size_bytes=data["size_bytes"],
            issued_at=times.from_text(data["issued_at"]),
            state=SlotState(state),
            version_id=data["version_id"],
            sha256=data["sha256"],
            true_type=data["true_type"],
            reason=Fault(**reason) if reason else None,
            scan=Verdict.from_data(scan) if scan else None,
            reused=Reused.from_data(reused) if reused else None,
            replaced=tuple(data["replaced"]),
            looks=data["looks"],
            revision=revision,
            expires_at=expires_at,
        )


@dataclass(frozen=True, slots=True)
class UploadAddress:
    """What an object key says: whose slot, which of its uploads."""

    holder: Holder
    code: str
    upload_id: str


def pins(slots: Iterable[Slot]) -> dict[str, dict[str, Any]]:
    """What a submission freezes, by material code: every received slot's `pin`.

    Raises Conflict `material_unchecked` while an upload is awaited or being checked.
    """
    found = tuple(slots)
    waiting = [slot.code for slot in found if slot.state is SlotState.OPEN]
    if waiting:
        raise Conflict(
            "material_unchecked",
            "有材料尚未上传完成或仍在检查，请稍候再提交。",
            "A material is not uploaded yet or still being checked.",
            detail={"materials": waiting},
        )
    return {slot.code: slot.pin() for slot in found if slot.state is SlotState.RECEIVED}


def slot_sk(code: str) -> str:
    """Sort key of a slot's row."""
    return f"SLOT#{code}"


def object_key(holder: Holder, code: str, upload_id: str) -> str:
    """`{tenant}/{APP|CASE}/{id}/{slot}/{upload_id}`."""
    return f"{holder.tenant}/{holder.kind}/{holder.id}/{code}/{upload_id}"


def parse_object_key(key: str) -> UploadAddress | None:
    """Reads an object key that is already URL-decoded; None when it is not ours."""
    found = _KEY.fullmatch(key)
    if found is None:
        return None
    holder = Holder(found["tenant"], HolderKind(found["kind"]), found["id"])
    return UploadAddress(holder, found["slot"], found["upload"])
