"""What the applicant handed in, sealed into a row of the case and opened again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from zerotrip.cases.model import CaseNow, Handed
from zerotrip.kernel.aggregate import Key, Row, canonical
from zerotrip.kernel.errors import GiveUp
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import DataKey, KeyRing


def form_row(
    data_key: DataKey,
    key: Key,
    sk: str,
    form: Mapping[str, Any],
    materials: Mapping[str, Any],
) -> Row:
    """A FORM row: the form sealed for this case, the materials as references."""
    sealed = data_key.seal(key.ref, sk, canonical(dict(form)))
    return Row(sk, {"materials": dict(materials)}, sealed)


def read_handed(records: Records, keys: KeyRing, now: CaseNow) -> Handed:
    """The current form and materials of a case."""
    row = records.row(now.key, now.case.form)
    if row is None or row.sealed is None:
        raise GiveUp(
            "form_absent",
            "申请表单不存在。",
            "The form of the case is not stored.",
            detail={"case": now.key.id},
        )
    data_key = keys.open(now.key.tenant, now.case.key_owner)
    content = data_key.unseal(now.key.ref, now.case.form, row.sealed)
    return Handed(json.loads(content), row.data["materials"])


def fingerprint(data_key: DataKey, value: object) -> str:
    """Tells two requests apart without telling what they hold: keyed by the record."""
    return hmac.new(data_key.plain, canonical(value), hashlib.sha256).hexdigest()[:32]
