"""The archive beside the table: every difference, with its name.

First the archive for itself (objects against their names, days against their seals,
seals against each other), then each chain of the table against what was archived.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from zerotrip.archive.comparing import Kind, TableChain, compare, head_differs
from zerotrip.archive.model import (
    Link,
    Unreadable,
    day_prefix,
    is_batch,
    link_of,
    newest_closed_day,
    root_key,
    rows_of,
)
from zerotrip.archive.reading import content_at, details_of, root_of
from zerotrip.archive.seals import DayChains, DayHead, details_key, read_root
from zerotrip.kernel.aggregate import digest_of_bytes
from zerotrip.kernel.objects import FirstVersion, Objects

ONE_DAY = timedelta(days=1)

WORDS: Mapping[str, tuple[str, str]] = {
    Kind.CHANGED: ("事件内容被改动", "an event was changed"),
    Kind.DELETED: ("事件被删除", "an event was deleted"),
    Kind.INSERTED: ("混入了未归档的事件", "an event was inserted"),
    Kind.SWAPPED: ("事件被对调", "events were swapped"),
    Kind.TRUNCATED: ("末尾的事件被截去", "the end of the chain was cut off"),
    Kind.REWRITTEN: ("事件链被整体改写", "the chain was rewritten from here on"),
    Kind.UNARCHIVED: ("事件未归档，请重新发布", "not archived: publish it again"),
    Kind.HEAD: ("现状与事件链不符", "the head does not fit the chain"),
    "object_changed": ("归档文件与其名称不符", "an object is not what its name says"),
    "object_missing": ("封存时有的归档文件不见了", "a sealed object is gone"),
    "object_unsealed": ("封存之后多出的归档文件", "an object came after the seal"),
    "object_foreign": ("来历不明的归档文件", "an object that is not ours"),
    "seal_missing": ("该日未封存", "the day has no seal"),
    "seal_changed": ("封存与归档文件不符", "the seal does not fit its objects"),
    "seal_unlinked": ("封存未接上前一日", "the seal does not follow the day before"),
    "sealed_fault": ("封存当日已发现的问题", "found when the day was sealed"),
}
"""What each finding means, Chinese and English."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was kept: stable code, place, particulars."""

    code: str
    where: str
    detail: str = ""


@dataclass
class Archive:
    """What a span of days holds, and what is wrong with it in itself."""

    tenant: str
    chains: dict[str, dict[str, Link]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    days: int = 0
    seals: int = 0
    objects: int = 0
    events: int = 0
    root: str = ""
    """The newest seal's `root.json`, as one digest: compare it with what you noted."""


def check_archive(
    objects: Objects,
    tenant: str,
    first: date,
    last: date,
    *,
    now: datetime,
    progress: Callable[[date], None] = lambda _: None,
) -> Archive:
    """Reads the days from `first` to `last`, both included, and checks their seals.

    Days that are not over at `now` need no seal.
    """
    found = Archive(tenant)
    day = first
    while day <= last:
        _Day(objects, found, day).check(due=day <= newest_closed_day(now))
        progress(day)
        day += ONE_DAY
    found.events = sum(map(len, found.chains.values()))
    return found


def check_table(
    archive: Archive,
    table: Mapping[str, TableChain],
    *,
    settled_before: str,
    whole: bool,
) -> list[Finding]:
    """Compares each chain of the table with the archive; see `comparing.compare`."""
    findings: list[Finding] = []
    own = {pk for pk in table if pk.startswith(f"{archive.tenant}#")}
    for pk in sorted(own | archive.chains.keys() if whole else archive.chains.keys()):
        chain = table.get(pk, TableChain((), 0, ""))
        differences = compare(
            chain.links,
            archive.chains.get(pk, {}).values(),
            settled_before=settled_before,
            whole=whole,
        )
        if pk in table:
            differences += head_differs(chain)
        findings += [
            Finding(
                each.kind,
                pk.partition("#")[2],
                f"seq {each.first}–{each.last}, {each.count}"
                if each.count > 1
                else f"seq {each.first}",
            )
            for each in differences
        ]
    return findings


@dataclass
class _Day:
    """One day of an archive, being checked."""

    objects: Objects
    archive: Archive
    day: date

    def check(self, *, due: bool) -> None:
        tenant = self.archive.tenant
        listed = self.objects.first_versions(day_prefix(tenant, self.day))
        batches = [each for each in listed if is_batch(each.key)]
        self.archive.days += 1
        self.archive.objects += len(batches)
        read = {each.key: self._read(each) for each in batches}
        sealed = root_of(self.objects, tenant, self.day)
        others = {each.key for each in listed} - read.keys()
        if sealed is None:
            if due:
                self._find("seal_missing", f"{self.day}")
        else:
            self.archive.seals += 1
            self.archive.root = digest_of_bytes(sealed)
            others -= {root_key(tenant, self.day)}
            others -= self._check_seal(sealed, read)
        for key in sorted(others):
            self._find("object_foreign", key)

    def _read(self, batch: FirstVersion) -> DayChains | None:
        """The events of one object, also added to the chains; None if it is broken."""
        try:
            rows = rows_of(batch.key, content_at(self.objects, batch))
        except Unreadable:
            self._find("object_changed", batch.key)
            return None
        chains = DayChains(self.archive.tenant)
        chains.add(batch.key, rows)
        for row in rows:
            kept = self.archive.chains.setdefault(row.key.pk, {})
            kept.setdefault(row.sk, link_of(row))
        return chains

    def _check_seal(
        self, sealed: bytes, read: Mapping[str, DayChains | None]
    ) -> set[str]:
        """Compares a seal with what is there; answers the keys that belong to it."""
        tenant = self.archive.tenant
        try:
            document = read_root(sealed)
            names, heads = details_of(self.objects, tenant, self.day)
        except Unreadable as error:
            self._find("seal_changed", f"{self.day}", str(error))
            return set()
        prefix = day_prefix(tenant, self.day)
        named = {prefix + name for name in names}
        for key in sorted(named - read.keys()):
            self._find("object_missing", key)
        for key in sorted(read.keys() - named):
            self._find("object_unsealed", key)
        if named <= read.keys():
            together = _together(tenant, [read[key] for key in sorted(named)])
            self._check_heads(document, heads, together)
        for fault in document["faults"]:
            place = fault.get("aggregate") or fault.get("object") or f"{self.day}"
            seq = f" seq {fault['seq']}" if "seq" in fault else ""
            self._find("sealed_fault", place, f"{fault['code']}{seq}")
        before = root_of(self.objects, tenant, self.day - ONE_DAY)
        previous = None if before is None else digest_of_bytes(before)
        if document["previous"] != previous:
            self._find("seal_unlinked", f"{self.day}")
        return {details_key(tenant, self.day, document["root"])}

    def _check_heads(
        self, document: Mapping[str, Any], heads: list[DayHead], there: DayChains
    ) -> None:
        said = {each.aggregate: (each.events, each.last, each.hash) for each in heads}
        is_so = {
            aggregate: (len(chain), max(chain), chain[max(chain)][1])
            for aggregate, chain in there.chains.items()
        }
        for aggregate in sorted(said.keys() | is_so.keys()):
            if said.get(aggregate) != is_so.get(aggregate):
                self._find("seal_changed", f"{self.day}", aggregate)
        counted = (len(there.objects), len(is_so), there.events())
        if counted != tuple(document[n] for n in ("objects", "aggregates", "events")):
            self._find("seal_changed", f"{self.day}", "counts")

    def _find(self, code: str, where: str, detail: str = "") -> None:
        self.archive.findings.append(Finding(code, where, detail))


def _together(tenant: str, parts: list[DayChains | None]) -> DayChains:
    """All objects of a day as one; what is broken counts as an object only."""
    whole = DayChains(tenant)
    for part in parts:
        if part is None:
            whole.objects.append("")
            continue
        whole.objects += part.objects
        for aggregate, chain in part.chains.items():
            kept = whole.chains.setdefault(aggregate, {})
            for seq, made in chain.items():
                kept.setdefault(seq, made)
    return whole
