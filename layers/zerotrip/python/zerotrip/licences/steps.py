"""Signing a licence, and registering the file that was stored."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, Event, EventRow, Head, digest
from zerotrip.kernel.errors import AlreadyDone, GiveUp
from zerotrip.kernel.objects import AlreadyWritten, Objects, StoredObject
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.steps import asked, settle
from zerotrip.licences.model import (
    PREPARED,
    REGISTERED,
    certificate_data,
    licence_head,
    licence_key,
    object_key,
    read_object_key,
)
from zerotrip.materials.storage_events import (
    ObjectCreated,
    created_message,
    object_created,
)

if TYPE_CHECKING:
    # register_licence signs nothing and opens no case; sign_licence imports what it
    # needs of them when it runs.
    from zerotrip.cases.model import CaseNow
    from zerotrip.catalogue.publication import Catalogue
    from zerotrip.kernel.messages import CloudEvent
    from zerotrip.licences.signing import RawSigner


@dataclass(frozen=True, slots=True)
class SigningDeps:
    """What `sign_licence` needs. `render` and `sign` stand for typst and pyHanko.

    `announce` sends a message to `register_licence`'s queue; `chain` answers the
    signing certificate's chain in PEM.
    """

    tenant: str
    records: Records
    catalogue: Catalogue
    keys: KeyRing
    licences: Objects
    licences_bucket: str
    raw_signer: RawSigner
    chain: Callable[[], bytes]
    render: Callable[[bytes, Mapping[str, Any]], bytes]
    sign: Callable[[bytes, RawSigner, bytes, datetime, str], bytes]
    announce: Callable[[Mapping[str, Any]], None]
    verification_url: Callable[[str], str]
    sample: bool
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class RegisterDeps:
    """What `register_licence` needs. `check` answers the licence id a file carries."""

    tenant: str
    records: Records
    licences: Objects
    licences_bucket: str
    check: Callable[[bytes, str], object]
    now: Callable[[], datetime]


def sign_licence(message: CloudEvent, deps: SigningDeps) -> None:
    """Prepares the licence's head, renders, signs, and writes the file once."""
    from zerotrip.cases.handed import read_handed
    from zerotrip.cases.model import stored_case

    event = asked(deps.records, message, deps.tenant, "sign_licence")
    now = stored_case(deps.records.head(event.key), event.key)
    licence_id = event.body["licence"]["id"]
    decided_at = times.from_text(event.body["licence"]["decided_at"])
    key = object_key(deps.tenant, event.key.id, licence_id)
    if _prepared_before(deps, event, now, licence_id, decided_at):
        newest = deps.licences.newest_version(key)
        if newest is not None:
            _announce(deps, key, *newest)
            return
    item = deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)
    handed = read_handed(deps.records, deps.keys, now)
    data = certificate_data(
        item,
        handed.form,
        licence_id,
        decided_at,
        deps.verification_url(licence_id),
        sample=deps.sample,
        by=handed.by,
        query_code=now.case.code,
    )
    pdf = deps.render(deps.catalogue.layout(item), data)
    signed = deps.sign(
        pdf, deps.raw_signer, deps.chain(), decided_at, item.licence.title.zh
    )
    try:
        deps.licences.put_once(key, signed, content_type="application/pdf")
    except AlreadyWritten:
        newest = deps.licences.newest_version(key)
        if newest is None:
            raise
        # No second storage event will come for a file that was written before.
        _announce(deps, key, *newest)


def register_licence(record: Mapping[str, Any], deps: RegisterDeps) -> None:
    """Checks the stored version's own signature and hash, then registers it."""
    created = object_created(record)
    address = read_object_key(created.key)
    if created.bucket != deps.licences_bucket or address is None:
        raise _unknown("licence_key_unknown", "LICENCE")
    tenant, case_no, licence_id = address
    if tenant != deps.tenant:
        raise _unknown("tenant_foreign", "LICENCE")
    key = licence_key(tenant, licence_id)
    _registrable(deps.records.head(key), case_no)
    stored = deps.licences.get(created.key, created.version_id)
    if stored is None:
        raise _unknown("licence_file_absent", key.ref)
    sha256 = _checked(stored, licence_id, deps)

    def decide(head: Head | None) -> Change:
        prepared = _registrable(head, case_no)
        return _registration(prepared, created, sha256, deps.now())

    settle(deps.records, key, decide)


def _prepared_before(
    deps: SigningDeps,
    event: EventRow,
    now: CaseNow,
    licence_id: str,
    decided_at: datetime,
) -> bool:
    """Stores the head `prepared` where there is none; whether there was one."""
    item = deps.catalogue.pinned(deps.tenant, now.case.item, now.case.item_digest)
    key = licence_key(deps.tenant, licence_id)

    def decide(head: Head | None) -> Change:
        if head is not None and head.stage == REGISTERED:
            raise AlreadyDone(
                "licence_registered",
                "证照已签发登记。",
                "The licence was signed and registered before.",
                detail={"licence": licence_id},
            )
        return Change(
            key=key,
            expected_version=0,
            allowed_from=frozenset(),
            stage=PREPARED,
            organisation=now.case.organisation,
            body=licence_head(item, event.key.id, now.case.sub, licence_id, decided_at),
            event=Event(
                type="licence.prepared",
                step="sign_licence",
                cause=event.ref,
                time=deps.now(),
                actor="system:sign_licence",
                request_hash=digest(["sign_licence", event.ref]),
                body={
                    "stage": PREPARED,
                    "case_no": event.key.id,
                    "sub": now.case.sub,
                },
            ),
            subject=(now.case.sub, times.to_text(decided_at)),
        )

    try:
        settle(deps.records, key, decide)
    except AlreadyDone as done:
        if done.code != "done_before":
            raise
        return True
    return False


def _registration(
    head: Head, created: ObjectCreated, sha256: str, now: datetime
) -> Change:
    seq = head.version + 1
    cause = f"{created.key}@{created.version_id}"
    body = {
        **head.body,
        "object_key": created.key,
        "version_id": created.version_id,
        "sha256": sha256,
        "facts": {REGISTERED: seq},
    }
    return Change(
        key=head.key,
        expected_version=head.version,
        allowed_from=frozenset({PREPARED}),
        stage=REGISTERED,
        organisation=head.body["issuer"]["uscc"],
        body=body,
        event=Event(
            type="licence.registered",
            step="register_licence",
            cause=cause,
            time=now,
            actor="system:register_licence",
            request_hash=digest(["register_licence", cause]),
            next_steps=("advance_case",),
            body={
                "stage": REGISTERED,
                "case_no": head.body["case_no"],
                "sub": head.body["sub"],
                "sha256": sha256,
            },
        ),
        previous_hash=head.last_hash,
        subject=head.subject,
    )


def _registrable(head: Head | None, case_no: str) -> Head:
    if head is None or head.body["case_no"] != case_no:
        raise _unknown("licence_unknown", "LICENCE")
    if head.stage == REGISTERED:
        raise AlreadyDone(
            "licence_registered",
            "证照已签发登记。",
            "The licence was registered before; its first version stays.",
            detail={"aggregate": head.key.ref},
        )
    return head


def _checked(stored: StoredObject, licence_id: str, deps: RegisterDeps) -> str:
    digest_bytes = hashlib.sha256(stored.content).digest()
    if stored.sha256 and stored.sha256 != base64.b64encode(digest_bytes).decode():
        raise GiveUp(
            "licence_file_damaged",
            "证照文件与存储校验值不符，未予登记。",
            "The file does not match the checksum kept with it; not registered.",
            detail={"licence": licence_id},
        )
    deps.check(stored.content, licence_id)
    return digest_bytes.hex()


def _announce(deps: SigningDeps, key: str, version_id: str, size_bytes: int) -> None:
    created = ObjectCreated(deps.licences_bucket, key, version_id)
    deps.announce(created_message(created, size_bytes))


def _unknown(code: str, ref: str) -> GiveUp:
    return GiveUp(
        code,
        "消息所指的记录不存在，未作处理。",
        "The message points at nothing that is stored; nothing was done.",
        detail={"aggregate": ref},
    )
