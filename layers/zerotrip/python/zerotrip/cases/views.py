"""What a person sees of a case: stage, what is open, what is asked of them now."""

from __future__ import annotations

from collections.abc import Iterable
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
from zerotrip.kernel.aggregate import EventRow, Row
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing

_ASKED_WORDS: dict[Obligation, tuple[str, str]] = {
    Obligation.CORRECTIONS: (
        "请按告知内容一次性补正后提交。",
        "Please mend everything in the notice and hand it in.",
    ),
    Obligation.PAPERS: (
        "快递员将上门揽收纸质材料，请备好。",
        "A courier comes for the papers; please have them ready.",
    ),
    Obligation.PROMISES: (
        "请在期限内补交承诺的材料，逾期未交将终止办理。",
        "Please hand in what you promised in time, or the application ends.",
    ),
    Obligation.PAYMENT: ("请缴纳费用。", "Please pay the fee."),
}


def case_view(
    records: Records, keys: KeyRing, now: CaseNow, item: Item
) -> dict[str, Any]:
    """The case as its applicant sees it; the same shape for staff, who see more.

    `keys` opens an officer's own words: those of an open notice, those of a decision.
    """
    history = records.history(now.key)
    decided = decision_of(records, keys, now, item, history)
    return {
        "case_no": now.key.id,
        "version": now.head.version,
        **_names(now, item),
        "obligations": sorted(now.case.obligations),
        "handed_in_by": _handed_in_by(records, keys, now),
        "asked_of_me": list(_asked(records, keys, now)),
        "promised": _promised(records, now),
        "grounds": _grounds(records, now),
        "decision": None if decided is None else decision_view(decided, item),
        "timeline": [timeline_entry(row, item) for row in history],
        "bills": list(now.case.bills),
        "shipments": list(now.case.shipments),
        "licence_id": now.case.licence,
    }


def case_summary(now: CaseNow, item: Item) -> dict[str, Any]:
    """One line of the applicant's list of cases."""
    return {
        "case_no": now.key.id,
        **_names(now, item),
        "asked_of_me": [
            name for name in sorted(now.case.obligations) if name in _ASKED_WORDS
        ],
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
    if not now.case.agents:
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


def _asked(records: Records, keys: KeyRing, now: CaseNow) -> Iterable[dict[str, Any]]:
    for name, opened in sorted(now.case.obligations.items()):
        if name not in _ASKED_WORDS:
            continue
        zh, en = _ASKED_WORDS[name]
        asked: dict[str, Any] = {"obligation": str(name), "zh": zh, "en": en}
        if name is Obligation.CORRECTIONS:
            notice = records.row(now.key, f"{ASKED}{opened.since:06}")
            asked["faults"] = faults_of(now, notice, keys) if notice else []
        if opened.ref is not None:
            asked["ref"] = opened.ref.partition("#")[2]
        yield asked
