"""The applicant's inbox: notices in words, newest first, and which were read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Key, Kind
from zerotrip.kernel.errors import NotFound, Unavailable
from zerotrip.kernel.records import Records
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables
from zerotrip.notices.model import SENT, Notice, inbox_key, notice
from zerotrip.notices.templates import (
    UNNAMED_AMOUNT,
    UNNAMED_ITEM,
    spoken_amount,
    spoken_day,
    template_of,
)

IDENTITY_TABLE = "identity"
_READ = "READ#"


class Named(Protocol):
    """A text in both languages; `catalogue.model.Text` is one."""

    @property
    def zh(self) -> str:
        """Chinese."""

    @property
    def en(self) -> str:
        """English."""


@dataclass(frozen=True, slots=True)
class Inbox:
    """Reads notices of `records`, keeps read marks in `identity`.

    `item_name` gives an item's name, from its code and the digest that a case or a
    draft is pinned to.
    """

    records: Records
    tables: Tables
    item_name: Callable[[str, str], Named]
    now: Callable[[], datetime]

    def list(self, tenant: str, sub: str, limit: int = 50) -> Sequence[dict[str, Any]]:
        """The newest notices, as they go over the wire.

        `{id, type, case_no, about: {kind, id}, title: {zh, en}, text: {zh, en},
        occurred_at, sent_at, read, read_at}`; times are UTC texts. `case_no` is None
        where the notice is about an application that is no case yet.
        """
        newest = self._notices(tenant, sub)[::-1][:limit]
        if not newest:
            return ()
        read_at = self._read_marks(tenant, sub)
        items = self._items(tenant, newest)
        return tuple(
            _as_json(sent, items[sent.id], read_at.get(sent.id)) for sent in newest
        )

    def mark_read(self, tenant: str, sub: str, notice_id: str) -> None:
        """Keeps when a notice was first read. Raises NotFound `notice_unknown`."""
        if all(sent.id != notice_id for sent in self._notices(tenant, sub)):
            raise NotFound(
                "notice_unknown",
                "没有找到这条通知。",
                "There is no such notice in your inbox.",
            )
        mark = StoredRow(
            pk=_subject_pk(tenant, sub),
            sk=f"{_READ}{notice_id}",
            data={"read_at": times.to_text(self.now())},
        )
        try:
            self.tables.transact([Put(IDENTITY_TABLE, mark, Expect(absent=True))])
        except Rejected as rejected:
            # The first reading stands; a race that was only cancelled left no mark.
            if self.tables.get(IDENTITY_TABLE, mark.pk, mark.sk) is None:
                raise _busy() from rejected

    def _notices(self, tenant: str, sub: str) -> tuple[Notice, ...]:
        history = self.records.history(inbox_key(tenant, sub))
        return tuple(notice(row) for row in history if row.type == SENT)

    def _read_marks(self, tenant: str, sub: str) -> dict[str, str]:
        rows = self.tables.query(IDENTITY_TABLE, _subject_pk(tenant, sub), _READ)
        return {row.sk.removeprefix(_READ): row.data["read_at"] for row in rows}

    def _items(self, tenant: str, notices: Sequence[Notice]) -> dict[str, Named]:
        """The name of each notice's item, by the notice's id."""
        numbers = sorted({sent.case_no for sent in notices if sent.case_no})
        heads = self.records.heads([Key(tenant, Kind.CASE, no) for no in numbers])
        cases = {head.key.id: head.body for head in heads}
        return {
            sent.id: self._item(cases.get(sent.case_no, sent.parameters))
            for sent in notices
        }

    def _item(self, pinned: Mapping[str, Any]) -> Named:
        if "item_digest" not in pinned:
            return UNNAMED_ITEM
        return self.item_name(pinned["item"], pinned["item_digest"])


def _subject_pk(tenant: str, sub: str) -> str:
    return f"{tenant}#SUB#{sub}"


def _as_json(sent: Notice, item: Named, read_at: str | None) -> dict[str, Any]:
    template = template_of(sent.template, sent.parameters)
    amount_fen = sent.parameters.get("amount_fen")
    amount = UNNAMED_AMOUNT if amount_fen is None else spoken_amount(amount_fen)
    zh = {"item": item.zh, "case_no": sent.case_no, "amount": amount.zh}
    en = {"item": item.en, "case_no": sent.case_no, "amount": amount.en}
    if "expires_at" in sent.parameters:
        day = spoken_day(times.from_text(sent.parameters["expires_at"]))
        zh["expires"], en["expires"] = day.zh, day.en
    kind, _, identity = sent.about.partition("#")
    return {
        "id": sent.id,
        "type": sent.template,
        "case_no": sent.case_no or None,
        "about": {"kind": kind.lower(), "id": identity},
        "title": template.title.filled(zh, en),
        "text": template.text.filled(zh, en),
        "occurred_at": sent.occurred_at,
        "sent_at": sent.sent_at,
        "read": read_at is not None,
        "read_at": read_at,
    }


def _busy() -> Unavailable:
    return Unavailable(
        "inbox_busy",
        "系统繁忙，请稍后再试。",
        "The inbox is busy: try again in a moment.",
    )
