"""What a person sees of a case: stage, what is open, what is asked of them now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from zerotrip.cases.asking import ASKED, GROUNDS, faults_of
from zerotrip.cases.decisions import decision_of, decision_view
from zerotrip.cases.handed import read_handed
from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.cases.model import CaseNow
from zerotrip.cases.promises import PROMISED, last_day, read_promises
from zerotrip.cases.words import event_words, stage_words
from zerotrip.catalogue.model import Item
from zerotrip.identity.powers import OFFICE_WORDS, Office
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import EventRow, Row
from zerotrip.kernel.amounts import spoken_yuan
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing

_ASKS = (
    Obligation.CORRECTIONS,
    Obligation.PAPERS,
    Obligation.PROMISES,
    Obligation.PAYMENT,
)
"""Obligations that wait for the applicant."""

_CORRECT = (
    "请按补正通知列明的内容补正后提交。",
    "Please correct everything that the notice lists, and hand it in.",
)
_EXPLAIN = (
    "请按要求补充说明后提交。",
    "Please give the explanations that were asked for, and hand them in.",
)
_PAPERS = (
    "快递员将上门揽收纸质材料，请备好；材料送达后才能作出决定。",
    "A courier comes for the papers, please have them ready: nothing is decided "
    "before they arrive.",
)


def case_view(
    records: Records,
    keys: KeyRing,
    now: CaseNow,
    item: Item,
    payable_until: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The case as its applicant sees it; the same shape for staff, who see more.

    `keys` opens an officer's own words: those of an open notice, those of a decision.
    `payable_until` is a bill's last instant (UTC text) by its id, where it is known.
    """
    history = records.history(now.key)
    bills = _wanted(history, "bill", now.case.bills)

    def payment(bill_id: str) -> tuple[str, str]:
        bill = next((each for each in bills if each["id"] == bill_id), {})
        return _payment_words(item, bill, (payable_until or {}).get(bill_id))

    decided = decision_of(records, keys, now, item, history)
    return {
        "case_no": now.key.id,
        "query_code": now.case.code,
        "version": now.head.version,
        **_names(now, item),
        "obligations": sorted(now.case.obligations),
        "handed_in_by": _handed_in_by(records, keys, now),
        "asked_of_me": list(_asked(records, keys, now, payment)),
        "promised": _promised(records, now),
        "grounds": _grounds(records, now),
        "decision": None if decided is None else decision_view(decided, item),
        "timeline": [timeline_entry(row, item) for row in history],
        "bills": [{**bill, "name": _bill_name(item, bill)} for bill in bills],
        "shipments": _wanted(history, "shipment", now.case.shipments),
        "licence_id": now.case.licence,
    }


def case_summary(now: CaseNow, item: Item) -> dict[str, Any]:
    """One line of the applicant's list of cases."""
    return {
        "case_no": now.key.id,
        **_names(now, item),
        "asked_of_me": [name for name in sorted(now.case.obligations) if name in _ASKS],
    }


def staff_decision(
    records: Records, keys: KeyRing, now: CaseNow, item: Item
) -> dict[str, Any] | None:
    """The decision with its actor, from when it is recorded."""
    history = records.history(now.key)
    decided = decision_of(records, keys, now, item, history, recorded=True)
    if decided is None:
        return None
    return {**decision_view(decided, item), "actor": decided.actor}


def timeline_entry(row: EventRow, item: Item) -> dict[str, Any]:
    """One event in words; which officer acted is not told to applicants."""
    zh, en = event_words(row.type, item.type)
    said: dict[str, Any] = {}
    if "on_behalf" in row.body:
        # For whom is known to who reads it: the case is theirs.
        of_zh, of_en = OFFICE_WORDS[Office(row.body["on_behalf"]["office"])]
        said["on_behalf"] = {"zh": of_zh, "en": of_en}
    return {
        "seq": row.seq,
        "event": row.type,
        "time": row.time,
        "zh": zh,
        "en": en,
        **said,
    }


def _handed_in_by(
    records: Records, keys: KeyRing, now: CaseNow
) -> dict[str, Any] | None:
    """Who acted for the applicant, and as what; None where nobody did."""
    row = records.row(now.key, now.case.form)
    if row is None or row.data["applicant"].get("agent") is None:
        return None
    by = read_handed(records, keys, now).by
    if by.office is None:
        return None
    zh, en = OFFICE_WORDS[by.office]
    return {
        "name": by.agent_name,
        "office": str(by.office),
        "office_name": {"zh": zh, "en": en},
    }


def current_task(rows: Iterable[Row]) -> Row | None:
    """The open task of a case, if one is."""
    return next((row for row in rows if row.work is not None), None)


def _names(now: CaseNow, item: Item) -> dict[str, Any]:
    zh, en = stage_words(now.stage, item.type)
    return {
        "item_code": now.case.item,
        "item_name": item.name.model_dump(),
        "stage": str(now.stage),
        "stage_name": {"zh": zh, "en": en},
        "received_at": now.case.received_at,
    }


def _grounds(records: Records, now: CaseNow) -> list[dict[str, str]]:
    """Why it ended without a decision, with the law and what can be done."""
    if now.stage not in (Stage.NOT_ACCEPTED, Stage.REFUSED):
        return []
    row = records.row(now.key, GROUNDS)
    return list(row.data["faults"]) if row else []


def _promised(records: Records, now: CaseNow) -> list[dict[str, Any]]:
    """What is to follow, and the last day on which it may."""
    if Obligation.PROMISES not in now.case.obligations:
        return []
    promises = read_promises(records.row(now.key, PROMISED))
    return [
        {"code": code, "name": dict(each.name), "last_day": last_day(each.due_at)}
        for code, each in sorted(promises.open.items())
    ]


def _asked(
    records: Records,
    keys: KeyRing,
    now: CaseNow,
    payment: Callable[[str], tuple[str, str]],
) -> Iterable[dict[str, Any]]:
    """What waits for the applicant: what, how much, until when, and what if not.

    `payment` words the bill of that id.
    """
    for name, opened in sorted(now.case.obligations.items()):
        if name not in _ASKS:
            continue
        asked: dict[str, Any] = {"obligation": str(name)}
        ref = "" if opened.ref is None else opened.ref.partition("#")[2]
        match name:
            case Obligation.CORRECTIONS:
                notice = records.row(now.key, f"{ASKED}{opened.since:06}")
                by_officer = notice is not None and notice.data["by"] == "officer"
                words = _EXPLAIN if by_officer else _CORRECT
                asked["faults"] = faults_of(now, notice, keys) if notice else []
            case Obligation.PROMISES:
                words = _promise_words(records, now)
            case Obligation.PAYMENT:
                words = payment(ref)
            case _:
                words = _PAPERS
        asked["zh"], asked["en"] = words
        if ref:
            asked["ref"] = ref
        yield asked


def _promise_words(records: Records, now: CaseNow) -> tuple[str, str]:
    promises = read_promises(records.row(now.key, PROMISED))
    zh, en = [], []
    for _, each in sorted(promises.open.items()):
        day_zh, day_en = times.spoken_day(date.fromisoformat(last_day(each.due_at)))
        zh.append(f"于{day_zh}前补交“{each.name['zh']}”")
        en.append(f"“{each.name['en']}” by {day_en}")
    return (
        f"请{'，'.join(zh)}；逾期未补交的，由审批人员依法处理。",
        f"Please hand in {', '.join(en)}; if it does not come in time, an officer "
        "deals with it by law.",
    )


def _payment_words(
    item: Item, bill: Mapping[str, Any], payable_until: str | None
) -> tuple[str, str]:
    name = _bill_name(item, bill)
    zh, en = spoken_yuan(bill["amount_fen"]) if bill else ("", "")
    until_zh = until_en = ""
    if payable_until is not None:
        zh_minute, en_minute = times.spoken_minute(times.from_text(payable_until))
        until_zh, until_en = f"于{zh_minute}前", f" by {en_minute}"
    licence = item.licence.title
    return (
        f"请{until_zh}缴纳{name['zh']}{zh}；未缴费的，暂不制发{licence.zh}。",
        f"Please pay {en} ({name['en']}){until_en}; “{licence.en}” is not issued "
        "before.",
    )


def _bill_name(item: Item, bill: Mapping[str, Any]) -> dict[str, str]:
    charged = {"fee": item.fee, "courier_charge": item.courier_charge}
    known = charged.get(str(bill.get("kind")))
    if known is None:
        return {"zh": "费用", "en": "the fee"}
    return known.name.model_dump()


def _wanted(
    history: Iterable[EventRow], kind: str, ids: Sequence[str]
) -> list[dict[str, Any]]:
    """What the case's own events say of its bills or parcels, before these exist."""
    said = {row.body[kind]["id"]: row.body[kind] for row in history if kind in row.body}
    return [dict(said.get(each, {"id": each})) for each in ids]
