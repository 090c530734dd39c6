"""Published items: pointers in the table `catalogue`, content in immutable objects.

Rows: `{tenant}#ITEMS` / item code (the current revision) · `{tenant}#ITEM#{code}` /
`REVISION#…` (each one ever published) · `issuer#{uscc}` / `TENANT`. Objects:
`items/{code}/{digest}.json`, `layouts/{digest}.typ`; their names are their hashes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from zerotrip.catalogue.model import Item, ItemSummary
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import canonical, digest_of_bytes
from zerotrip.kernel.errors import Conflict, GiveUp, NotFound, Retry
from zerotrip.kernel.objects import AlreadyWritten, Objects
from zerotrip.kernel.tables import Expect, Put, Rejected, StoredRow, Tables

TABLE = "catalogue"
POINTER_LIFE = timedelta(seconds=30)
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Pinned:
    """A revision by its content: what a case is pinned to at submission."""

    item: Item
    digest: str


@dataclass(slots=True)
class Catalogue:
    """Reads and publishes items. One per process: it remembers what cannot change."""

    tables: Tables
    objects: Objects
    now: Callable[[], datetime]
    _items: dict[str, Item] = field(default_factory=dict)
    _layouts: dict[str, bytes] = field(default_factory=dict)
    _pointers: dict[tuple[str, str], tuple[datetime, Any]] = field(default_factory=dict)

    def current(self, tenant: str, code: str) -> Pinned:
        """The revision that is offered now. Raises NotFound `item_unknown`."""
        digest = self._pointer(
            (f"{tenant}#ITEMS", code), lambda: self._current_digest(tenant, code)
        )
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
        """What the tenant offers, by item code."""
        rows: tuple[ItemSummary, ...] = self._pointer(
            (f"{tenant}#ITEMS", ""), lambda: self._summaries(tenant)
        )
        return rows

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

    def publish(
        self, tenant: str, item: Item, layout_bytes: bytes, actor: str
    ) -> Pinned:
        """Stores the revision and offers it from now on; again is no change.

        Raises Conflict `item_revision_taken` when the revision has other content,
        `item_revision_older` below the current one, `issuer_of_another_tenant`.
        """
        layout = digest_of_bytes(layout_bytes)
        licence = item.licence.model_copy(update={"layout": layout})
        published = item.model_copy(update={"licence": licence})
        content = canonical(published.model_dump(mode="json"))
        made = Pinned(published, digest_of_bytes(content))
        self._keep(f"layouts/{layout}.typ", layout_bytes, "text/plain")
        self._keep(f"items/{item.code}/{made.digest}.json", content, "application/json")
        for _ in range(_ATTEMPTS):
            earlier = self._published_before(tenant, made)
            if earlier is not None:
                return earlier
            try:
                self.tables.transact(self._writes(tenant, made, actor))
            except Rejected:
                continue  # somebody published in between: look again
            self._pointers.clear()
            return made
        raise Retry(
            "catalogue_busy",
            "事项目录正在被他人更新，请稍后再试。",
            "Somebody else is publishing; please try again.",
            detail={"item_code": item.code},
        )

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

    def _writes(self, tenant: str, made: Pinned, actor: str) -> list[Put]:
        item = made.item
        pointer = self.tables.get(TABLE, f"{tenant}#ITEMS", item.code)
        current = None if pointer is None else pointer.version
        if current is not None and current > item.revision:
            raise Conflict(
                "item_revision_older",
                "版本号低于当前已发布版本。",
                "The revision is below the one that is published.",
                detail={"item_code": item.code, "winner": str(current)},
            )
        writes = [
            Put(TABLE, _pointer_row(tenant, made), _unchanged(current)),
            Put(TABLE, self._revision_row(tenant, made, actor), Expect(absent=True)),
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
        self._pointers[key] = (moment + POINTER_LIFE, found)
        return found

    def _current_digest(self, tenant: str, code: str) -> str:
        row = self.tables.get(TABLE, f"{tenant}#ITEMS", code)
        if row is None:
            raise NotFound("item_unknown", "没有该办理事项。", "There is no such item.")
        return str(row.data["digest"])

    def _summaries(self, tenant: str) -> tuple[ItemSummary, ...]:
        rows = self.tables.query(TABLE, f"{tenant}#ITEMS")
        # The table keeps them by sort key, which is the item code.
        return tuple(ItemSummary.model_validate(dict(row.data)) for row in rows)

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


def _pointer_row(tenant: str, made: Pinned) -> StoredRow:
    item = made.item
    summary = ItemSummary(
        code=item.code,
        revision=item.revision,
        digest=made.digest,
        name=item.name,
        audience=item.audience,
        organisation=item.organisation.uscc,
        organisation_name=item.organisation.name,
        department=item.department,
        department_name=item.department_name,
    )
    return StoredRow(
        pk=f"{tenant}#ITEMS",
        sk=item.code,
        data=summary.model_dump(mode="json"),
        version=item.revision,
    )


def _unchanged(revision: int | None) -> Expect:
    return Expect(absent=True) if revision is None else Expect(version=revision)
