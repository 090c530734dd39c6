"""What the applicant handed in, sealed into a row of the case and opened again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from zerotrip.cases.model import CaseNow, Handed, HandedBy
from zerotrip.kernel.aggregate import Key, Row, canonical
from zerotrip.kernel.errors import GiveUp
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import DataKey, KeyRing

PROMISE: Mapping[str, str] = {"source": "promise"}
"""What stands in a material's place until it comes (容缺受理)."""


def form_row(
    data_key: DataKey,
    key: Key,
    sk: str,
    form: Mapping[str, Any],
    materials: Mapping[str, Any],
    *,
    by: HandedBy,
) -> Row:
    """A FORM row: form and agent sealed for this case, the rest as references."""
    content = {"form": dict(form), "agent": by.as_sealed()}
    sealed = data_key.seal(key.ref, sk, canonical(content))
    data = {"materials": dict(materials), "applicant": by.as_data()}
    return Row(sk, data, sealed)


def read_handed(records: Records, keys: KeyRing, now: CaseNow) -> Handed:
    """The current form and materials of a case."""
    return read_form(records, keys, now, now.case.form)


def read_form(records: Records, keys: KeyRing, now: CaseNow, sk: str) -> Handed:
    """A form of the case and its materials, as they lay there under that row."""
    row = records.row(now.key, sk)
    if row is None or row.sealed is None:
        raise GiveUp(
            "form_absent",
            "申请表单不存在。",
            "The form of the case is not stored.",
            detail={"case": now.key.id},
        )
    data_key = keys.open(now.key.tenant, now.case.key_owner)
    content = json.loads(data_key.unseal(now.key.ref, sk, row.sealed))
    materials = row.data["materials"]
    promised = tuple(code for code, kept in materials.items() if kept == PROMISE)
    there = {code: kept for code, kept in materials.items() if code not in promised}
    by = HandedBy.read(row.data["applicant"], content["agent"])
    return Handed(content["form"], there, promised, by)


def with_promises(handed: Handed) -> dict[str, Any]:
    """The materials as a FORM row keeps them: the promised ones in their places."""
    waiting = (code for code in handed.promised if code in handed.awaited)
    return {**handed.materials, **{code: dict(PROMISE) for code in waiting}}


def fingerprint(data_key: DataKey, value: object) -> str:
    """Tells two requests apart without telling what they hold: keyed by the record."""
    return hmac.new(data_key.plain, canonical(value), hashlib.sha256).hexdigest()[:32]
