"""What `receive_material` does with one storage event, and who looks when none came."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from zerotrip.kernel import times
from zerotrip.kernel.errors import AlreadyDone, Fault, GiveUp, Retry
from zerotrip.kernel.objects import Objects, StoredObject
from zerotrip.materials import types
from zerotrip.materials.faults import infected
from zerotrip.materials.model import (
    Slot,
    UploadAddress,
    parse_object_key,
)
from zerotrip.materials.scanning import AlwaysClean, Outcome, Scanner, Verdict
from zerotrip.materials.storage_events import (
    ObjectCreated,
    created_message,
    object_created,
)
from zerotrip.materials.store import SlotMoved, Slots
from zerotrip.materials.vault_store import Vaults

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class MaterialSteps:
    """The ports of these steps: slots, the uploads bucket and its name, our tenant.

    `scanner` is made when the first file has passed everything else: who only looks
    for uploads needs none.
    """

    slots: Slots
    objects: Objects
    tenant: str
    bucket: str
    scanner: Callable[[], Scanner] = AlwaysClean
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    @property
    def vaults(self) -> Vaults:
        """People's vaults, beside their drafts."""
        return Vaults(self.slots.tables, self.tenant)


def receive_material(record: Mapping[str, Any], deps: MaterialSteps) -> Slot:
    """Checks the version that one storage event names, and settles its open slot.

    The first version that is checked stays; answers the slot, received or refused. A
    received file of a draft enters its owner's vault in the same transaction.
    Raises GiveUp (`upload_key_unknown`, `upload_slot_unknown`,
    `upload_object_absent`), AlreadyDone (`upload_checked_already`,
    `upload_version_ignored`, `upload_replaced`), Retry (`upload_slot_contended`,
    `scanner_unavailable`), and what the scanner raises.
    """
    created = object_created(record)
    address = _address(created, deps)
    judged: _Judged | None = None
    for _ in range(_ATTEMPTS):
        slot = _open_slot(address, created.version_id, deps)
        if judged is None:
            # Once: whoever else writes the slot, upload and announcement are the same.
            judged = _judge(slot, _read(created, deps), deps)
        settled = judged.settles(slot)
        try:
            return deps.slots.replace(settled, deps.vaults.entering(settled))
        except SlotMoved:
            continue
    raise Retry(
        "upload_slot_contended",
        "材料正在被多次更新，系统会自动重试。",
        "The slot is being written by others; the step is tried again.",
    )


def look_for_upload(slot: Slot, deps: MaterialSteps) -> dict[str, Any] | None:
    """The message to send to `receive_material`, when an object is there without event.

    None when there is no object. The caller sends it, then calls `looked_for`: sent
    first, so that a crash between the two only sends it twice.
    """
    if not slot.awaits:
        return None
    found = deps.objects.newest_version(slot.object_key)
    if found is None:
        return None
    version_id, size_bytes = found
    created = ObjectCreated(deps.bucket, slot.object_key, version_id)
    return created_message(created, size_bytes)


def looked_for(slot: Slot, deps: MaterialSteps, *, found: bool) -> None:
    """Notes what a look found; without a file nobody waits for this upload any more."""
    try:
        deps.slots.replace(slot.looked_for(found=found))
    except SlotMoved as moved:
        raise AlreadyDone(
            "upload_moved_on",
            "材料状态已更新，无需再查找。",
            "The slot was settled or replaced meanwhile.",
        ) from moved


def _address(created: ObjectCreated, deps: MaterialSteps) -> UploadAddress:
    address = parse_object_key(created.key)
    if (
        address is None
        or created.bucket != deps.bucket
        or address.holder.tenant != deps.tenant
    ):
        # The key may be anybody's text, so it is not repeated in the log.
        raise GiveUp(
            "upload_key_unknown",
            "上传文件的位置不属于本平台的任何材料。",
            "The object's key or bucket is not one that this platform hands out.",
        )
    return address


def _open_slot(address: UploadAddress, version_id: str, deps: MaterialSteps) -> Slot:
    slot = deps.slots.get(address.holder, address.code)
    if slot is not None and address.upload_id in slot.replaced:
        raise AlreadyDone(
            "upload_replaced",
            "该次上传已被重新上传取代。",
            "The applicant has replaced this upload by a later one.",
        )
    if slot is None or slot.upload_id != address.upload_id:
        raise GiveUp(
            "upload_slot_unknown",
            "没有等待该文件的材料位置。",
            "No open slot waits for this object.",
            detail={"holder": address.holder.pk, "slot": address.code},
        )
    if slot.awaits:
        return slot
    if slot.version_id == version_id:
        raise AlreadyDone(
            "upload_checked_already",
            "该文件已经检查过。",
            "This version has been checked already.",
        )
    raise AlreadyDone(
        "upload_version_ignored",
        "该材料已以先到的文件为准。",
        "Another version of this object was checked first, and it stays.",
    )


def _read(created: ObjectCreated, deps: MaterialSteps) -> StoredObject:
    stored = deps.objects.get(created.key, created.version_id)
    if stored is None:
        raise GiveUp(
            "upload_object_absent",
            "事件所指的文件版本不存在。",
            "The version that the event names is not there.",
        )
    return stored


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was found of one version: its type and hash, a fault, a scanner's word."""

    version_id: str
    sha256: str
    true_type: str | None
    fault: Fault | None
    scan: Verdict | None

    def settles(self, slot: Slot) -> Slot:
        """The slot, received or refused."""
        if self.fault is None:
            return slot.received(self.version_id, self.sha256, self.scan)
        return slot.refused(
            self.version_id, self.sha256, self.true_type, self.fault, self.scan
        )


def _judge(slot: Slot, stored: StoredObject, deps: MaterialSteps) -> _Judged:
    """Looks into the file; what nothing is wrong with is shown to the scanner too."""
    sha256 = hashlib.sha256(stored.content).hexdigest()
    finding = types.inspect(
        stored.content,
        code=slot.code,
        content_type=slot.content_type,
        size_bytes=slot.size_bytes,
    )
    fault, scan = finding.fault, None
    if fault is None:
        scan = _scan(stored.content, deps)
        if scan.outcome is Outcome.INFECTED:
            fault = infected(f"/materials/{slot.code}")
    return _Judged(stored.version_id, sha256, finding.true_type, fault, scan)


def _scan(content: bytes, deps: MaterialSteps) -> Verdict:
    scan = deps.scanner().scan(content)
    if scan.outcome is Outcome.UNAVAILABLE:
        raise Retry(
            "scanner_unavailable",
            "病毒扫描服务暂时不可用，文件未通过检查，系统会自动重试。",
            "The malware scanner does not answer; nothing passes unscanned, and the "
            "step is tried again.",
            detail={"scanner": scan.scanner},
        )
    return replace(scan, at=times.to_text(deps.now()))
