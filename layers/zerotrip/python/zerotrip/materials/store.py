"""Slots in their tables, through the Tables port. Writes say what they replace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict
from zerotrip.kernel.records import DUE_SHARDS
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write
from zerotrip.materials.model import Holder, Slot, slot_sk

_ATTEMPTS = 5
_SLOT = "SLOT#"

Also = Callable[[Slot], Sequence[Write]]


class SlotMoved(Exception):
    """The slot, or what goes with it, was written since it was read: read again."""


@dataclass(frozen=True, slots=True)
class Slots:
    """Reads and writes slots of drafts (`drafts`) and cases (`records`)."""

    tables: Tables

    def get(self, holder: Holder, code: str) -> Slot | None:
        """One slot, read consistently."""
        row = self.tables.get(holder.table, holder.pk, slot_sk(code))
        return None if row is None else _from_row(row)

    def of(self, holder: Holder) -> tuple[Slot, ...]:
        """All slots of a holder, by code."""
        rows = self.tables.query(holder.table, holder.pk, _SLOT)
        return tuple(_from_row(row) for row in rows)

    def due(
        self, table: str, tenant: str, until: str, limit: int = 100
    ) -> tuple[Slot, ...]:
        """Open slots of `drafts` or `records` whose object should be looked for."""
        keys: list[tuple[str, str]] = []
        for shard in range(DUE_SHARDS):
            found = self.tables.index(
                table, "due", f"{tenant}#DUE#{shard}", until=until, limit=limit
            )
            keys += [(pk, sk) for pk, sk in found if sk.startswith(_SLOT)]
        rows = self.tables.get_many(table, keys)
        return tuple(_from_row(row) for row in rows)

    def open(self, fresh: Slot, also: Also = lambda _: ()) -> Slot:
        """Puts a fresh upload into its slot, whatever the slot held before.

        A version that a submission has pinned stays what it is: the pin is in the
        case. `also` makes further writes of the same transaction. Raises Conflict
        `upload_slot_busy` when others write it all the time.
        """
        for _ in range(_ATTEMPTS):
            present = self.get(fresh.holder, fresh.code)
            if present is not None and present.upload_id == fresh.upload_id:
                return present  # our own write, of which we were not told
            try:
                slot = present.replaced_by(fresh) if present else fresh
                return self.replace(slot, also(slot))
            except SlotMoved:
                continue
        raise Conflict(
            "upload_slot_busy",
            "该材料正在被多次上传，请稍后再试。",
            "This material is being uploaded several times at once: try again.",
        )

    def replace(self, slot: Slot, also: Sequence[Write] = ()) -> Slot:
        """Writes the slot where its row still is as it was read, all `also` or nothing.

        The row counts its writes, so the same count means the same upload and state.
        Raises SlotMoved, when one of the further writes failed too.
        """
        expect = (
            Expect(absent=True) if slot.revision == 0 else Expect(version=slot.revision)
        )
        row = _to_row(slot)
        try:
            self.tables.transact([Put(slot.holder.table, row, expect), *also])
        except Rejected as rejected:
            raise SlotMoved(slot.object_key) from rejected
        return _from_row(row)


def due_partition(holder: Holder) -> str:
    """The shard of the due index on which a slot waits: spread by its holder's id."""
    return f"{holder.tenant}#DUE#{sum(holder.id.encode()) % DUE_SHARDS}"


def _to_row(slot: Slot) -> StoredRow:
    look_at = slot.look_at
    return StoredRow(
        pk=slot.holder.pk,
        sk=slot.sk,
        data=slot.as_data(),
        version=slot.revision + 1,
        stage=slot.state.value,
        due=(due_partition(slot.holder), times.to_text(look_at)) if look_at else None,
        expires_at=slot.expires_at,
    )


def _from_row(row: StoredRow) -> Slot:
    return Slot.from_data(
        Holder.from_pk(row.pk),
        row.sk.removeprefix(_SLOT),
        row.stage or "",
        row.data,
        revision=row.version or 0,
        expires_at=row.expires_at,
    )
