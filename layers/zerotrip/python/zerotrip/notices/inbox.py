"""The applicant's inbox: notices in words, newest first, and which were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.errors import NotFound, Unavailable
from zerotrip.kernel.records import Records
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables
from zerotrip.notices.model import SENT, Notice, inbox_key, notice
from zerotrip.notices.templates import (
    BY_AGENT,
    NOTHING,
    UNNAMED_AMOUNT,
    Bilingual,
    spoken_amount,
    spoken_case,
    spoken_day,
    spoken_minute,
    template_of,
)
from zerotrip.notices.words import UNNAMED_ITEM, ItemWords

IDENTITY_TABLE = "identity"
_READ = "READ#"


@dataclass(frozen=True, slots=True)
class Inbox:
    """Reads notices of `records`, keeps read marks in `identity`.

    `item_words` gives an item's words, from its code and the digest that a case or a
    draft is pinned to.
    """

    records: Records
    tables: Tables
    item_words: Callable[[str, str], ItemWords]
    now: Callable[[], datetime]

    def list(
        self, tenant: str, acting: Acting, limit: int = 50
    ) -> Sequence[dict[str, Any]]:
        """The newest notices to any of a person's logins, as they go over the wire.

        `{id, type, case_no, query_code, about: {kind, id}, by_agent, title: {zh, en},
        text: {zh, en}, occurred_at, sent_at, read, read_at}`; times are UTC texts.
        `case_no` is None where the notice is about an application that is no case yet.
        """
        newest = self._notices(tenant, acting)[::-1][:limit]
        if not newest:
            return ()
        read_at = self._read_marks(tenant, acting)
        cases = self._cases(tenant, newest)
        return tuple(
            _as_json(
                sent,
                self._item(cases.get(sent.case_no, sent.parameters)),
                read_at.get(sent.id),
                query_code=cases.get(sent.case_no, {}).get("code"),
                # Of what one did oneself nobody needs to be told.
                by_agent=bool(
                    set(cases.get(sent.case_no, {}).get("agents", ()))
                    - {acting.login, *acting.logins}
                ),
            )
            for sent in newest
        )

    def mark_read(self, tenant: str, acting: Acting, notice_id: str) -> None:
        """Keeps when a notice was first read. Raises NotFound `notice_unknown`."""
        told = {sent.id: sent.sub for sent in self._notices(tenant, acting)}
        if notice_id not in told:
            raise NotFound(
                "notice_unknown",
                "没有找到这条通知。",
                "There is no such notice in your inbox.",
            )
        mark = StoredRow(
            pk=_subject_pk(tenant, told[notice_id]),
            sk=f"{_READ}{notice_id}",
            data={"read_at": times.to_text(self.now())},
        )
        try:
            self.tables.transact([Put(IDENTITY_TABLE, mark, Expect(absent=True))])
        except Rejected as rejected:
            # The first reading stands; a race that was only cancelled left no mark.
            if self.tables.get(IDENTITY_TABLE, mark.pk, mark.sk) is None:
                raise _busy() from rejected

    def _notices(self, tenant: str, acting: Acting) -> Sequence[Notice]:
        """What was told to any login, as it was sent; an agent's within the power."""
        found = [
            notice(row)
            for sub in sorted(acting.subs)
            for row in self.records.history(inbox_key(tenant, sub))
            if row.type == SENT
        ]
        found.sort(key=lambda sent: (sent.sent_at, sent.id))
        if acting.power is None:
            return found
        near = self._within(tenant, acting, found)
        return [sent for sent in found if sent.id in near]

    def _within(
        self, tenant: str, acting: Acting, found: Sequence[Notice]
    ) -> frozenset[str]:
        cases = self._cases(tenant, found)
        return frozenset(
            sent.id
            for sent in found
            if acting.reaches(
                sent.sub,
                str(cases.get(sent.case_no, sent.parameters).get("item", "")),
                sent.case_no or None,
            )
        )

    def _read_marks(self, tenant: str, acting: Acting) -> dict[str, str]:
        rows = [
            row
            for sub in acting.subs
            for row in self.tables.query(
                IDENTITY_TABLE, _subject_pk(tenant, sub), _READ
            )
        ]
        return {row.sk.removeprefix(_READ): row.data["read_at"] for row in rows}

    def _cases(
        self, tenant: str, notices: Sequence[Notice]
    ) -> dict[str, Mapping[str, Any]]:
        """The head's body of each case that is spoken of, by its number."""
        numbers = sorted({sent.case_no for sent in notices if sent.case_no})
        heads = self.records.heads([Key(tenant, Kind.CASE, no) for no in numbers])
        return {head.key.id: head.body for head in heads}

    def _item(self, pinned: Mapping[str, Any]) -> ItemWords:
        if "item_digest" not in pinned:
            return UNNAMED_ITEM
        return self.item_words(pinned["item"], pinned["item_digest"])


def _subject_pk(tenant: str, sub: str) -> str:
    return f"{tenant}#SUB#{sub}"


def _as_json(
    sent: Notice,
    item: ItemWords,
    read_at: str | None,
    *,
    query_code: str | None,
    by_agent: bool,
) -> dict[str, Any]:
    template = template_of(sent.template, sent.parameters, item.type)
    zh, en = _words(sent, item, query_code)
    kind, _, identity = sent.about.partition("#")
    text = template.text.filled(zh, en)
    if by_agent:
        text = {
            "zh": text["zh"] + BY_AGENT.zh,
            "en": f"{text['en']} {BY_AGENT.en}",
        }
    return {
        "id": sent.id,
        "type": sent.template,
        "case_no": sent.case_no or None,
        "query_code": query_code,
        "about": {"kind": kind.lower(), "id": identity},
        "by_agent": by_agent,
        "title": template.title.filled(zh, en),
        "text": text,
        "occurred_at": sent.occurred_at,
        "sent_at": sent.sent_at,
        "read": read_at is not None,
        "read_at": read_at,
    }


def _words(
    sent: Notice, item: ItemWords, query_code: str | None
) -> tuple[dict[str, str], dict[str, str]]:
    """What is put into the template, in each language."""
    told = sent.parameters
    fen = told.get("amount_fen")
    both = {
        "item": item.name,
        "licence": item.licence,
        "granted": item.granted,
        "refused": item.refused,
        "remedies": item.remedies,
        "fee": item.of_bill(told.get("kind")),
        "amount": UNNAMED_AMOUNT if fen is None else spoken_amount(fen),
        "case_no": spoken_case(sent.case_no, query_code),
        "until": NOTHING,
        "waybill": NOTHING,
    }
    if "payable_until" in told:
        minute = spoken_minute(times.from_text(told["payable_until"]))
        both["until"] = Bilingual(f"于{minute.zh}前", f" by {minute.en}")
    if "waybill" in told:
        number = told["waybill"]
        both["waybill"] = Bilingual(f"（运单号{number}）", f" (waybill {number})")
    if "expires_at" in told:
        both["expires"] = spoken_day(times.from_text(told["expires_at"]))
    return (
        {name: text.zh for name, text in both.items()},
        {name: text.en for name, text in both.items()},
    )


def _busy() -> Unavailable:
    return Unavailable(
        "inbox_busy",
        "系统繁忙，请稍后再试。",
        "The inbox is busy: try again in a moment.",
    )
