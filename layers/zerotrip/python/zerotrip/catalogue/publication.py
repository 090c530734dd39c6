"""Published items: pointers in the table `catalogue`, content in immutable objects.

Rows: `{tenant}#ITEMS` / item code (its revisions with the instants from which they are
offered) · `{tenant}#ITEM#{code}` / `REVISION#…` (each one ever published) ·
`{tenant}#CATALOGUE` / `SNAPSHOT` · `issuer#{uscc}` / `TENANT`. Objects:
`items/{code}/{digest}.json`, `layouts/{digest}.typ`, `snapshots/{digest}.json`; their
names are their hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from zerotrip.catalogue import snapshot
from zerotrip.catalogue.model import Item, ItemSummary
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical, digest_of_bytes
from zerotrip.kernel.errors import Conflict, GiveUp, NotFound, Retry
from zerotrip.kernel.objects import AlreadyWritten, Objects
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables, Write

TABLE = "catalogue"
POINTER_LIFE = timedelta(seconds=30)
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Pinned:
    """A revision by its content: what a case is pinned to at submission."""

    item: Item
    digest: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What offers a revision: writes for one transaction, none when it is offered."""

    pinned: Pinned
    writes: tuple[Write, ...]


@dataclass(slots=True)
class Catalogue:
    """Reads and publishes items. One per process: it remembers what cannot change."""

    tables: Tables
    objects: Objects
    now: Callable[[], datetime]
    _items: dict[str, Item] = field(default_factory=dict)
    _layouts: dict[str, bytes] = field(default_factory=dict)
    _pointers: dict[tuple[str, str], tuple[datetime, Any]] = field(default_factory=dict)
    _snapshot: tuple[str, snapshot.Entries] = ("", ())

    def current(self, tenant: str, code: str) -> Pinned:
        """The revision that is offered now. Raises NotFound `item_unknown`."""
        revisions: list[dict[str, Any]] = self._pointer(
            (f"{tenant}#ITEMS", code), lambda: self._revisions(tenant, code)
        )
        moment = times.to_text(self.now())
        open_now = [each for each in revisions if each["effective_at"] <= moment]
        if not open_now:
            raise NotFound("item_unknown", "没有该办理事项。", "There is no such item.")
        newest = max(open_now, key=lambda one: (one["effective_at"], one["revision"]))
        digest = str(newest["digest"])
        return Pinned(self.pinned(tenant, code, digest), digest)

    def pinned(self, tenant: str, code: str, digest: str) -> Item:  # noqa: ARG002
        """The revision of that content, as it was published; later ones do not matter.

        Raises GiveUp `catalogue_object_missing` or `catalogue_object_damaged`.
        """
        key = f"items/{code}/{digest}.json"
        if key not in self._items:
            content = self._object(key, digest)
            # It was checked when it was published. A rule that was added to the
            # software since then must not stop a case in flight.
            self._items[key] = Item.model_validate_json(
                content, context={"published": True}
            )
        return self._items[key]

    def listed(self, tenant: str) -> tuple[ItemSummary, ...]:
        """What the tenant offers now, by item code: one read of the snapshot."""
        entries: snapshot.Entries = self._pointer(
            (f"{tenant}#CATALOGUE", "SNAPSHOT"), lambda: self._entries(tenant)[0]
        )
        return snapshot.offered(entries, times.to_text(self.now()))

    def layout(self, item: Item) -> bytes:
        """The layout of a published item's licence."""
        digest = item.licence.layout
        if digest not in self._layouts:
            self._layouts[digest] = self._object(f"layouts/{digest}.typ", digest)
        return self._layouts[digest]

    def issuer_tenant(self, issuer: str) -> str:
        """Whose licences carry this issuer's USCC. Raises NotFound `issuer_unknown`."""
        tenant: str = self._pointer(
            (f"issuer#{issuer}", "TENANT"), lambda: self._tenant_of(issuer)
        )
        return tenant

    def stored(self, item: Item, layout_bytes: bytes) -> Pinned:
        """Keeps a revision's content, by its hash; it is not offered by that."""
        layout = digest_of_bytes(layout_bytes)
        licence = item.licence.model_copy(update={"layout": layout})
        kept = item.model_copy(update={"licence": licence})
        content = canonical(kept.model_dump(mode="json"))
        made = Pinned(kept, digest_of_bytes(content))
        self._keep(f"layouts/{layout}.typ", layout_bytes, "text/plain")
        self._keep(f"items/{item.code}/{made.digest}.json", content, "application/json")
        return made

    def publish(
        self,
        tenant: str,
        item: Item,
        layout_bytes: bytes,
        actor: str,
        effective_at: datetime | None = None,
    ) -> Pinned:
        """Stores the revision and offers it from that instant on; again is no change.

        For a first catalogue, which an operator loads; later revisions go through
        `zerotrip.catalogue.publishing`. Raises as `offer` does, and Retry.
        """
        made = self.stored(item, layout_bytes)
        for _ in range(_ATTEMPTS):
            offered = self.offer(tenant, made, actor, effective_at or self.now())
            if not offered.writes:
                return offered.pinned
            try:
                self.tables.transact(offered.writes)
            except Rejected:
                continue  # somebody published in between: look again
            self.forget()
            return made
        raise Retry(
            "catalogue_busy",
            "事项目录正在被他人更新，请稍后再试。",
            "Somebody else is publishing; please try again.",
            detail={"item_code": item.code},
        )

    def offer(
        self, tenant: str, made: Pinned, actor: str, effective_at: datetime
    ) -> Offer:
        """The writes that offer a stored revision; none when it is published already.

        Raises Conflict `item_revision_taken` when the revision has other content,
        `item_revision_older` below the current one, `issuer_of_another_tenant`.
        """
        earlier = self._published_before(tenant, made)
        if earlier is not None:
            return Offer(earlier, ())
        return Offer(made, tuple(self._writes(tenant, made, actor, effective_at)))

    def forget(self) -> None:
        """Pointers are read anew: something was published."""
        self._pointers.clear()

    def _published_before(self, tenant: str, made: Pinned) -> Pinned | None:
        item = made.item
        row = self.tables.get(
            TABLE, f"{tenant}#ITEM#{item.code}", f"REVISION#{item.revision:06}"
        )
        if row is None:
            return None
        digest = row.data["digest"]
        # Compared as items, not as bytes: a field that the software gained since, with
        # its default, is no change of the content.
        stored = self.pinned(tenant, item.code, digest)
        if stored != item:
            raise Conflict(
                "item_revision_taken",
                "该版本号已发布过不同内容，请使用新的版本号。",
                "This revision was published with other content: give it a new number.",
                detail={"item_code": item.code, "winner": digest},
            )
        return Pinned(stored, digest)

    def _writes(
        self, tenant: str, made: Pinned, actor: str, effective_at: datetime
    ) -> list[Write]:
        item = made.item
        row = self.tables.get(TABLE, f"{tenant}#ITEMS", item.code)
        current = None if row is None else row.version
        if current is not None and current > item.revision:
            raise Conflict(
                "item_revision_older",
                "版本号低于当前已发布版本。",
                "The revision is below the one that is published.",
                detail={"item_code": item.code, "winner": str(current)},
            )
        entries, known = self._entries(tenant)
        fresh = snapshot.entry(item, made.digest, times.to_text(effective_at))
        following = snapshot.with_entry(entries, fresh, times.to_text(self.now()))
        content = snapshot.to_bytes(following)
        name = digest_of_bytes(content)
        self._keep(f"snapshots/{name}.json", content, "application/json")
        listed = StoredRow(
            f"{tenant}#CATALOGUE",
            "SNAPSHOT",
            {"digest": name, "entries": len(following)},
            version=(known or 0) + 1,
        )
        writes: list[Write] = [
            Put(
                TABLE,
                _pointer_row(tenant, item, following),
                _unchanged(current),
            ),
            Put(TABLE, self._revision_row(tenant, made, actor), Expect(absent=True)),
            Put(TABLE, listed, _unchanged(known)),
        ]
        issuer = item.organisation.uscc
        owner = self.tables.get(TABLE, f"issuer#{issuer}", "TENANT")
        if owner is None:
            row = StoredRow(f"issuer#{issuer}", "TENANT", {"tenant": tenant})
            writes.append(Put(TABLE, row, Expect(absent=True)))
        elif owner.data["tenant"] != tenant:
            raise Conflict(
                "issuer_of_another_tenant",
                "该实施主体已属于其他部署地区。",
                "This organisation belongs to another tenant.",
                detail={"issuer": issuer},
            )
        return writes

    def _revision_row(self, tenant: str, made: Pinned, actor: str) -> StoredRow:
        return StoredRow(
            pk=f"{tenant}#ITEM#{made.item.code}",
            sk=f"REVISION#{made.item.revision:06}",
            data={
                "digest": made.digest,
                "published_at": times.to_text(self.now()),
                "actor": actor,
            },
            version=made.item.revision,
        )

    def _pointer(self, key: tuple[str, str], read: Callable[[], Any]) -> Any:
        moment = self.now()
        known = self._pointers.get(key)
        if known is not None and moment < known[0]:
            return known[1]
        found = read()
        if found:  # what is not there yet is not remembered as absent
            self._pointers[key] = (moment + POINTER_LIFE, found)
        return found

    def _revisions(self, tenant: str, code: str) -> list[dict[str, Any]]:
        row = self.tables.get(TABLE, f"{tenant}#ITEMS", code)
        return [] if row is None else list(row.data["revisions"])

    def _entries(self, tenant: str) -> tuple[snapshot.Entries, int | None]:
        """The snapshot's entries, and its version; none before the first item."""
        row = self.tables.get(TABLE, f"{tenant}#CATALOGUE", "SNAPSHOT")
        if row is None:
            return (), None
        name = str(row.data["digest"])
        if self._snapshot[0] != name:
            content = self._object(f"snapshots/{name}.json", name)
            self._snapshot = (name, snapshot.from_bytes(content))
        return self._snapshot[1], row.version

    def _tenant_of(self, issuer: str) -> str:
        row = self.tables.get(TABLE, f"issuer#{issuer}", "TENANT")
        if row is None:
            raise NotFound("issuer_unknown", "没有该发证机关。", "No such issuer.")
        return str(row.data["tenant"])

    def _keep(self, key: str, content: bytes, content_type: str) -> None:
        try:
            self.objects.put_once(key, content, content_type=content_type)
        except AlreadyWritten:
            return  # its name is its hash: what is there is the same

    def _object(self, key: str, digest: str) -> bytes:
        found = self.objects.get(key)
        if found is None:
            raise GiveUp(
                "catalogue_object_missing",
                "事项目录文件缺失，请联系运维人员。",
                "A catalogue object is missing; an operator must restore it.",
                detail={"key": key},
            )
        if digest_of_bytes(found.content) != digest:
            raise GiveUp(
                "catalogue_object_damaged",
                "事项目录文件与其摘要不符，请联系运维人员。",
                "A catalogue object does not match its hash; an operator must look.",
                detail={"key": key},
            )
        return found.content


def _pointer_row(tenant: str, item: Item, entries: snapshot.Entries) -> StoredRow:
    """The item's revisions that are offered, or will be."""
    revisions = [
        {
            "revision": each.revision,
            "digest": each.digest,
            "effective_at": each.effective_at,
        }
        for each in entries
        if each.code == item.code
    ]
    return StoredRow(
        pk=f"{tenant}#ITEMS",
        sk=item.code,
        data={"revisions": revisions},
        version=item.revision,
    )


def _unchanged(revision: int | None) -> Expect:
    return Expect(absent=True) if revision is None else Expect(version=revision)
