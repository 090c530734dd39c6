"""A licence as it stands in its head, and what its certificate says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from zerotrip.identity.powers import OFFICE_WORDS, Office
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.errors import GiveUp

if TYPE_CHECKING:
    from zerotrip.cases.model import HandedBy
    from zerotrip.catalogue.model import Item, LicenceField

PREPARED, REGISTERED = "prepared", "registered"


def licence_key(tenant: str, licence_id: str) -> Key:
    """The key of a licence."""
    return Key(tenant, Kind.LICENCE, licence_id)


def object_key(tenant: str, case_no: str, licence_id: str) -> str:
    """The one key under which the signed file is written, once."""
    return f"{tenant}/{case_no}/{licence_id}.pdf"


def read_object_key(key: str) -> tuple[str, str, str] | None:
    """Tenant, case number, licence id; None for a key that we never write."""
    parts = key.removesuffix(".pdf").split("/")
    if len(parts) != 3 or not key.endswith(".pdf"):
        return None
    tenant, case_no, licence_id = parts
    return tenant, case_no, licence_id


def valid_until(item: Item, issued_on: date) -> date | None:
    """The last day on which the licence holds; None when it has no end."""
    months = item.licence.valid_months
    if months is None:
        return None
    return times.add_months(issued_on, months) - timedelta(days=1)


def licence_head(
    item: Item, case_no: str, sub: str, licence_id: str, decided_at: datetime
) -> dict[str, Any]:
    """What the head says of a prepared licence. No personal data."""
    issued_on = times.legal_day(decided_at)
    until = valid_until(item, issued_on)
    return {
        "case_no": case_no,
        "sub": sub,
        "item": item.code,
        "title": item.licence.title.model_dump(),
        "issuer": {
            "uscc": item.organisation.uscc,
            "name": item.organisation.name.model_dump(),
        },
        "issued_at": times.to_text(decided_at),
        "valid_until": until.isoformat() if until else None,
        "licence_id": licence_id,
        "facts": {},
    }


def certificate_data(
    item: Item,
    form: Mapping[str, Any],
    licence_id: str,
    decided_at: datetime,
    verification_url: str,
    *,
    sample: bool,
    by: HandedBy,
    query_code: str | None,
) -> dict[str, Any]:
    """What the layout prints (`rendering.CertificateData`); holds personal data.

    Notes say the case's query code and, where somebody acted for the holder, who and as
    what.
    """
    issued_on = times.legal_day(decided_at)
    until = valid_until(item, issued_on)
    dates = [_dated("发证日期", "Issued", _spoken(issued_on))]
    if until is not None:
        period = f"自{_spoken(issued_on)}至{_spoken(until)}"
        dates.append(_dated("有效期", "Valid", period))
    return {
        "licence_id": licence_id,
        "title": item.licence.title.model_dump(),
        "issuer": item.organisation.name.model_dump(),
        "decided_at": decided_at.astimezone(times.SHANGHAI).isoformat(),
        "verification_url": verification_url,
        "number": {
            "zh": "证照编号",
            "en": "Number",
            "value": licence_id.split(".")[-3],
        },
        "dates": dates,
        "fields": [_field(item, line, form) for line in item.licence.fields],
        "sample": sample,
        "notes": [*_found_by(query_code), *_acted(by)],
    }


def _found_by(query_code: str | None) -> list[dict[str, str]]:
    """A note, not a line: every layout that is published already prints notes."""
    if query_code is None:
        return []
    return [{"zh": f"办件查询码：{query_code}", "en": f"Query code: {query_code}"}]


def _acted(by: HandedBy) -> list[dict[str, str]]:
    # A representative's act is the company's own (Civil Code 61).
    if by.office is None or by.agent_name is None:
        return []
    if by.office is Office.REPRESENTATIVE:
        return []
    zh, en = OFFICE_WORDS[by.office]
    return [
        {
            "zh": f"由{by.agent_name}（{zh}）代为申请。",
            "en": f"Applied for by {by.agent_name}, {en}.",
        }
    ]


def _dated(zh: str, en: str, value: str) -> dict[str, str]:
    return {"zh": zh, "en": en, "value": value}


def _spoken(day: date) -> str:
    return times.spoken_day(day)[0]


def _field(item: Item, line: LicenceField, form: Mapping[str, Any]) -> dict[str, str]:
    # Late: register_licence knows no item.
    from zerotrip.catalogue.forms import shown

    # What a person reads: an option by its words, never by its code.
    text = line.value or shown(item, form, line.path or "")
    if text is None:
        raise GiveUp(
            "licence_field_empty",
            "证照上的必填内容在申请表中为空。",
            "The form lacks what the licence must say.",
            detail={"path": line.path},
        )
    return {"zh": line.label.zh, "en": line.label.en, "value": text.zh}
