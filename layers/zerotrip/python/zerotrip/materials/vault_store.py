"""Vaults in the `drafts` table: one partition per person, one row per content.

`T#SUBJECT#{sub}` holds `VAULT#{sha256}` and, for each time that one was used again,
`REUSE#{sha256}#{application}#{material}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta

from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.errors import NotFound
from zerotrip.kernel.tables import Expect, Put, StoredRow, Tables, Write
from zerotrip.materials.model import Holder, HolderKind, Slot, SlotState
from zerotrip.materials.scanning import Verdict
from zerotrip.materials.vault import Consent, Entry, Use, consent_record

TABLE = "drafts"
KEPT_FOR = timedelta(days=5 * 366)
"""After this an entry is forgotten, whatever an item says of reuse."""
_DRAFT = "DRAFT"
_VAULT = "VAULT#"


@dataclass(frozen=True, slots=True)
class Vaults:
    """Reads and writes entries; a person sees their own only."""

    tables: Tables
    tenant: str

    def of(self, acting: Acting, limit: int) -> list[Entry]:
        """The entries of all of a person's logins, the newest first.

        An agent sees them only under a power for everything.
        """
        entries = [
            self._entry(sub, row)
            for sub in self._within(acting)
            for row in self.tables.query(TABLE, self._pk(sub), _VAULT)
        ]
        entries.sort(key=_age, reverse=True)
        # The same file may have come in by two of the logins: its first coming counts.
        oldest = {each.sha256: each for each in entries}
        return sorted(oldest.values(), key=_age, reverse=True)[:limit]

    def own(self, acting: Acting, sha256: str) -> Entry:
        """A person's entry. NotFound alike for none and another's."""
        found = [self._get(sub, sha256) for sub in self._within(acting)]
        entry = min((each for each in found if each), key=_age, default=None)
        if entry is None:
            raise NotFound(
                "vault_entry_unknown",
                "您的材料库中没有这份文件。",
                "There is no such file in your vault.",
            )
        return entry

    def _within(self, acting: Acting) -> list[str]:
        return [sub for sub in sorted(acting.subs) if acting.has_all_of(sub)]

    def entering(self, slot: Slot) -> Sequence[Write]:
        """The write that enters a received file of a draft, beside its slot's own.

        None for a case's file, for one that is in the vault as this already, and where
        the draft is gone. Its condition fails where the entry was written meanwhile.
        """
        kept = slot.state is SlotState.RECEIVED
        if not kept or slot.holder.kind is not HolderKind.APPLICATION:
            return ()
        draft = self.tables.get(TABLE, slot.holder.pk, _DRAFT)
        if draft is None:
            return ()
        sub = str(draft.data["sub"])
        # The form's own time: the step has no clock, and the paper is no younger.
        at = slot.issued_at
        use = Use(draft.data["item"], draft.data["item_digest"], times.to_text(at))
        present = self._get(sub, str(slot.sha256))
        if present is None:
            return (self._put(Entry.of(slot, sub, use, at)),)
        further = present.used_as(slot.code, use)
        return () if further is None else (self._put(further),)

    def reusing(
        self, sub: str, slot: Slot, agreed: Consent, until: date
    ) -> Sequence[Write]:
        """The write that records a consent, beside the slot's own."""
        sk = f"REUSE#{slot.sha256}#{slot.holder.id}#{slot.code}"
        before = self.tables.get(TABLE, self._pk(sub), sk)
        revision = before.version or 0 if before else 0
        row = StoredRow(
            pk=self._pk(sub),
            sk=sk,
            data=consent_record(
                agreed, until, slot.upload_id, before.data if before else None
            ),
            version=revision + 1,
        )
        return (Put(TABLE, row, _unchanged(revision)),)

    def _get(self, sub: str, sha256: str) -> Entry | None:
        row = self.tables.get(TABLE, self._pk(sub), f"{_VAULT}{sha256}")
        return None if row is None else self._entry(sub, row)

    def _pk(self, sub: str) -> str:
        return f"{self.tenant}#SUBJECT#{sub}"

    def _put(self, entry: Entry) -> Put:
        row = StoredRow(
            pk=self._pk(entry.sub),
            sk=f"{_VAULT}{entry.sha256}",
            data={
                "holder": entry.holder.pk,
                "key": entry.key,
                "version_id": entry.version_id,
                "content_type": entry.content_type,
                "size_bytes": entry.size_bytes,
                "received_at": times.to_text(entry.received_at),
                "scan": entry.scan.as_data() if entry.scan else None,
                "uses": {code: asdict(use) for code, use in entry.uses.items()},
            },
            version=entry.revision + 1,
            expires_at=int((entry.received_at + KEPT_FOR).timestamp()),
        )
        return Put(TABLE, row, _unchanged(entry.revision))

    def _entry(self, sub: str, row: StoredRow) -> Entry:
        data = row.data
        return Entry(
            tenant=self.tenant,
            sub=sub,
            sha256=row.sk.removeprefix(_VAULT),
            holder=Holder.from_pk(data["holder"]),
            key=data["key"],
            version_id=data["version_id"],
            content_type=data["content_type"],
            size_bytes=data["size_bytes"],
            received_at=times.from_text(data["received_at"]),
            scan=Verdict.from_data(data["scan"]) if data["scan"] else None,
            uses={code: Use(**use) for code, use in data["uses"].items()},
            revision=row.version or 0,
        )


def _age(entry: Entry) -> tuple[datetime, str]:
    return entry.received_at, entry.sha256


def _unchanged(revision: int) -> Expect:
    """The condition that nobody wrote the row since it was read."""
    return Expect(version=revision) if revision else Expect(absent=True)
