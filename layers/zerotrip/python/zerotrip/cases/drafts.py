"""Drafts: an application before it is handed in. Saved in part, on any device."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical
from zerotrip.kernel.errors import Conflict, Erased, NotFound, PreconditionFailed
from zerotrip.kernel.records import DUE_SHARDS
from zerotrip.kernel.sealing import DataKey, KeyRing
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables

DRAFTS_TABLE = "drafts"
DRAFT = "DRAFT"
LIFETIME = timedelta(days=30)
"""A draft that nobody touches is deleted this long after its last change."""
WARNING = timedelta(days=3)
"""Its owner is told this long before."""
OPEN, FROZEN = "open", "frozen"


@dataclass(frozen=True, slots=True)
class Draft:
    """An application that is being filled in. `version` is its ETag.

    `key` is its opened data key, where the form was opened: one request asks KMS once.
    """

    tenant: str
    id: str
    sub: str
    item: str
    item_digest: str
    version: int
    state: str
    form: Mapping[str, Any]
    created_at: str
    updated_at: str
    expires_at: datetime
    case_no: str | None = None
    query_code: str | None = None
    warned: bool = False
    key: DataKey | None = field(default=None, repr=False, compare=False)

    @property
    def owner(self) -> str:
        """Whose data key seals it; the key becomes the case's."""
        return f"APP#{self.id}"

    @property
    def pk(self) -> str:
        """Partition key in `drafts`."""
        return f"{self.tenant}#{self.owner}"


@dataclass(frozen=True, slots=True)
class Drafts:
    """Reads and writes drafts; forms are sealed under the application's own key."""

    tables: Tables
    keys: KeyRing

    def create(self, draft: Draft) -> Draft:
        """Stores a new draft and its data key in one transaction."""
        data_key, key_put = self.keys.create(draft.tenant, draft.owner)
        self.tables.transact(
            [key_put, Put(DRAFTS_TABLE, row_of(draft, data_key), Expect(absent=True))]
        )
        return draft

    def own(self, tenant: str, application_id: str, acting: Acting) -> Draft:
        """A draft within reach. NotFound alike for none, another's and a gone one."""
        row = self.tables.get(DRAFTS_TABLE, f"{tenant}#APP#{application_id}", DRAFT)
        if row is None or not acting.reaches(
            row.data["sub"], row.data["item"], row.data["case_no"]
        ):
            raise application_unknown()
        return self._open(tenant, row)

    def of(self, tenant: str, acting: Acting, limit: int = 50) -> list[Draft]:
        """All drafts within reach, last changed first; forms are not opened."""
        keys = [
            key
            for sub in sorted(acting.subs)
            for key in self.tables.index(
                DRAFTS_TABLE,
                "subject",
                f"{tenant}#SUBJECT#{sub}",
                newest_first=True,
                limit=limit,
            )
        ]
        found = [
            _draft(tenant, row, {})
            for row in (self.tables.get_many(DRAFTS_TABLE, keys) if keys else [])
        ]
        near = [
            each for each in found if acting.reaches(each.sub, each.item, each.case_no)
        ]
        near.sort(key=lambda each: (each.updated_at, each.id), reverse=True)
        return near[:limit]

    def handed_in(self, tenant: str, acting: Acting, most: int) -> list[Draft]:
        """The last handed-in applications of who acts or is represented, opened.

        One whose key was destroyed is left out: what was erased is not offered again.
        """
        found: list[Draft] = []
        for draft in self.of(tenant, acting):
            if len(found) == most:
                break
            if draft.state == FROZEN and acting.has_all_of(draft.sub):
                with contextlib.suppress(Erased, NotFound):
                    found.append(self.own(tenant, draft.id, acting))
        return found

    def save(
        self,
        draft: Draft,
        seen_version: int,
        form: Mapping[str, Any],
        now: datetime,
    ) -> Draft:
        """Stores a changed form. Raises PreconditionFailed when another device did."""
        if draft.state == FROZEN:
            raise already_submitted(draft)
        saved = replace(
            draft,
            form=form,
            version=seen_version + 1,
            updated_at=times.to_text(now),
            expires_at=now + LIFETIME,
            warned=False,
        )
        data_key = self.key_of(draft)
        expect = Expect(version=seen_version, stages=frozenset({OPEN}))
        try:
            self.tables.transact([Put(DRAFTS_TABLE, row_of(saved, data_key), expect)])
        except Rejected as rejected:
            raise draft_changed() from rejected
        return saved

    def key_of(self, draft: Draft) -> DataKey:
        """The draft's own key: the one that it came with, or opened now."""
        return draft.key or self.keys.open(draft.tenant, draft.owner)

    def expiring(self, tenant: str, until: str, limit: int = 100) -> list[StoredRow]:
        """Draft rows whose warning is due."""
        keys: list[tuple[str, str]] = []
        for shard in range(DUE_SHARDS):
            partition = f"{tenant}#DUE#{shard}"
            found = self.tables.index(
                DRAFTS_TABLE, "due", partition, until=until, limit=limit
            )
            keys += [(pk, sk) for pk, sk in found if sk == DRAFT]
        return self.tables.get_many(DRAFTS_TABLE, keys)

    def _open(self, tenant: str, row: StoredRow) -> Draft:
        data_key = self.keys.open(tenant, row.pk.partition("#")[2])
        content = data_key.unseal(row.pk, DRAFT, row.sealed or b"")
        return replace(_draft(tenant, row, json.loads(content)), key=data_key)


def row_of(draft: Draft, data_key: DataKey) -> StoredRow:
    """A draft as its row. Frozen ones do not expire: the case stands on them."""
    frozen = draft.state == FROZEN
    shard = sum(draft.id.encode()) % DUE_SHARDS
    warn_at = times.to_text(draft.expires_at - WARNING)
    return StoredRow(
        pk=draft.pk,
        sk=DRAFT,
        version=draft.version,
        stage=draft.state,
        sealed=data_key.seal(draft.pk, DRAFT, canonical(dict(draft.form))),
        data={
            "sub": draft.sub,
            "item": draft.item,
            "item_digest": draft.item_digest,
            "created_at": draft.created_at,
            "updated_at": draft.updated_at,
            "expires_at": times.to_text(draft.expires_at),
            "case_no": draft.case_no,
            "query_code": draft.query_code,
            "warned": draft.warned,
        },
        due=(
            None if frozen or draft.warned else (f"{draft.tenant}#DUE#{shard}", warn_at)
        ),
        subject=(f"{draft.tenant}#SUBJECT#{draft.sub}", draft.updated_at),
        expires_at=None if frozen else int(draft.expires_at.timestamp()),
    )


def _draft(tenant: str, row: StoredRow, form: Mapping[str, Any]) -> Draft:
    data = row.data
    return Draft(
        tenant=tenant,
        id=row.pk.rpartition("#")[2],
        sub=data["sub"],
        item=data["item"],
        item_digest=data["item_digest"],
        version=row.version or 0,
        state=row.stage or OPEN,
        form=form,
        created_at=data["created_at"],
        updated_at=data["updated_at"],
        expires_at=times.from_text(data["expires_at"]),
        case_no=data["case_no"],
        query_code=data.get("query_code"),
        warned=data["warned"],
    )


def application_unknown() -> NotFound:
    """No such application, or not yours."""
    return NotFound(
        "application_unknown",
        "没有找到该申请。",
        "There is no such application.",
    )


def draft_changed() -> PreconditionFailed:
    """Another device saved it first."""
    return PreconditionFailed(
        "draft_changed",
        "该申请已在其他设备上修改，请重新载入后再保存。",
        "The application was changed elsewhere: load it again, then save.",
    )


def already_submitted(draft: Draft) -> Conflict:
    """It was handed in; the case is where changes happen now."""
    return Conflict(
        "application_submitted",
        "该申请已提交，请在办件中查看。",
        "The application was submitted; please look at the case.",
        detail={"case_no": draft.case_no},
    )
