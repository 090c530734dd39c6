"""What was decided on a case, by whom, and why: from its events, opened with its key.

An officer's words and the articles that they picked stand sealed in
`case.decision_recorded`; what ended a case before a decision stands in its row GROUNDS.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from zerotrip.cases.asking import GROUNDS
from zerotrip.cases.model import CaseNow
from zerotrip.cases.words import Act, act_words
from zerotrip.catalogue.model import Item, LegalBasis
from zerotrip.catalogue.remedies import (
    LITIGATION_DAYS_AFTER_RECONSIDERATION,
    LITIGATION_MONTHS,
    RECONSIDERATION_DAYS,
    remedy_text,
)
from zerotrip.kernel.aggregate import EventRow, canonical
from zerotrip.kernel.errors import Erased, Fault, Invalid
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import DataKey, KeyRing

_RECORDED = "case.decision_recorded"
_ENDED = ("case.not_accepted", "case.promise_lapsed")
_DECIDED = ("case.approved", "case.refused", *_ENDED)
_BY_RULE = (
    "经系统按照本事项的审查规则逐项核查，符合法定条件。",
    "Every rule of the item was checked, and its conditions are met.",
)


@dataclass(frozen=True, slots=True)
class Written:
    """A text; English where there is one: an officer need not write it."""

    zh: str
    en: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """The wire form."""
        return {"zh": self.zh, "en": self.en}


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision with its grounds; `reasons` None where the case's key was destroyed.

    `actor` is the officer's login, or the step that acted; applicants do not see it.
    """

    act: Act
    by: Literal["officer", "rule"]
    actor: str
    decided_at: str
    reasons: Written | None = field(repr=False)
    articles: tuple[Written, ...] = field(repr=False)


def articles_of(item: Item) -> tuple[Written, ...]:
    """What an officer may cite: the item's legal basis, and that of its checks."""
    laws = (*item.legal_basis, *(check.legal_basis for check in item.checks))
    return tuple(dict.fromkeys(_cited(law) for law in laws if law is not None))


def require_articles(decision: str, articles: Sequence[str]) -> None:
    """Raises Invalid `articles_missing` for a refusal that cites no law."""
    if decision == "refuse" and not articles:
        raise Invalid(
            "articles_missing",
            "作出不予决定须写明适用的法律条款。",
            "A refusal cites the articles that it applies.",
            faults=(
                Fault(
                    "/articles",
                    "field_missing",
                    "请选择或者填写适用的法律条款。",
                    "Please choose or write the articles that apply.",
                ),
            ),
        )


def sealed_grounds(
    data_key: DataKey, now: CaseNow, seen: int, reasons: str, articles: Sequence[str]
) -> bytes:
    """An officer's reasons and articles, sealed for the event of that version."""
    words = {"reasons": reasons, "articles": list(articles)}
    return data_key.seal(now.key.ref, f"reasons#{seen}", canonical(words))


def decision_of(
    records: Records,
    keys: KeyRing,
    now: CaseNow,
    item: Item,
    history: Iterable[EventRow],
    *,
    recorded: bool = False,
) -> Decision | None:
    """The decision that holds, or None. `recorded`: one not carried out yet counts."""
    rows = list(history)
    last = next((row for row in reversed(rows) if row.type in _DECIDED), None)
    officers = next((row for row in reversed(rows) if row.type == _RECORDED), None)
    if last is None:
        if officers is None or not recorded:
            return None
        return _by_officer(keys, now, item, officers)
    if last.type in _ENDED:
        return _ended(records, now, item, last)
    if last.body["decision"]["by"] == "officer" and officers is not None:
        return _by_officer(keys, now, item, officers)
    return Decision(
        act=Act.GRANT,
        by="rule",
        actor=last.actor,
        decided_at=last.body["decision"]["decided_at"],
        reasons=Written(*_BY_RULE),
        articles=tuple(_cited(law) for law in item.legal_basis),
    )


def decision_view(decision: Decision, item: Item) -> dict[str, Any]:
    """As its applicant reads it; the actor is added for those who may see it."""
    zh, en = act_words(decision.act, item.type)
    office = item.organisation
    return {
        "act": str(decision.act),
        "act_name": {"zh": zh, "en": en},
        "by": decision.by,
        "reasons": decision.reasons.as_json() if decision.reasons else None,
        "articles": [each.as_json() for each in decision.articles],
        "decided_at": decision.decided_at,
        "by_organisation": {"uscc": office.uscc, "name": office.name.model_dump()},
        "remedies": None if decision.act is Act.GRANT else _remedies(item),
    }


def _remedies(item: Item) -> dict[str, Any]:
    named, text = item.remedies, remedy_text(item.remedies)
    return {
        "reconsideration": {
            "body": named.reconsideration_body.model_dump() if named else None,
            "days": RECONSIDERATION_DAYS,
            "online_url": named.reconsideration_url if named else None,
        },
        "litigation": {
            "court": named.court.model_dump() if named else None,
            "months": LITIGATION_MONTHS,
            "days_after_reconsideration": LITIGATION_DAYS_AFTER_RECONSIDERATION,
        },
        "prior_reconsideration": named.prior_reconsideration if named else False,
        "zh": text.zh,
        "en": text.en,
    }


def _by_officer(keys: KeyRing, now: CaseNow, item: Item, row: EventRow) -> Decision:
    reasons: Written | None = None
    articles: tuple[Written, ...] = ()
    try:
        data_key = keys.open(now.key.tenant, now.case.key_owner)
    except Erased:
        pass  # what was decided outlives what was written about a person
    else:
        seen = row.sk.rpartition("#v")[2]
        words = json.loads(
            data_key.unseal(now.key.ref, f"reasons#{seen}", row.sealed or b"")
        )
        offered = {each.zh: each for each in articles_of(item)}
        reasons = Written(words["reasons"])
        articles = tuple(offered.get(zh, Written(zh)) for zh in words["articles"])
    return Decision(
        act=Act.REFUSE if row.body["decision"] == "refuse" else Act.GRANT,
        by="officer",
        actor=row.actor,
        decided_at=row.time,
        reasons=reasons,
        articles=articles,
    )


def _ended(records: Records, now: CaseNow, item: Item, row: EventRow) -> Decision:
    """不予受理 by a ground of law, or the end of a promise that was not kept."""
    grounds = records.row(now.key, GROUNDS)
    faults: list[dict[str, str]] = [] if grounds is None else grounds.data["faults"]
    lapsed = row.type == "case.promise_lapsed"
    laws = item.legal_basis if lapsed else tuple(_laws(item, faults))
    return Decision(
        act=Act.REFUSE if lapsed else Act.NOT_ACCEPT,
        by="rule",
        actor=row.actor,
        decided_at=row.time,
        reasons=Written(
            "\n".join(each["zh"] for each in faults),
            "\n".join(each["en"] for each in faults),
        ),
        articles=tuple(dict.fromkeys(_cited(law) for law in laws)),
    )


def _laws(item: Item, faults: Iterable[dict[str, str]]) -> Iterator[LegalBasis]:
    named = {each["code"] for each in faults}
    for check in item.checks:
        if check.code in named and check.legal_basis is not None:
            yield check.legal_basis


def _cited(law: LegalBasis) -> Written:
    return Written(law.cited, law.cited_in_english)
