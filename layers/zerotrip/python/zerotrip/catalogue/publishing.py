"""From an editor's files to an offered item: proposed, reviewed, given its day.

Owner's editors propose (谁编制、谁维护), the staffing and the legal office answer, and
`publish_item` offers it. Cases in flight keep the version of their submission.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from zerotrip.catalogue import revisions
from zerotrip.catalogue.diff import diff
from zerotrip.catalogue.packages import Checked, checked
from zerotrip.catalogue.publication import Catalogue
from zerotrip.catalogue.revisions import ItemCommand, ItemNow, Office
from zerotrip.identity.persons import Persons
from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Change, EventRow, Key
from zerotrip.kernel.errors import Conflict, Forbidden, NotFound
from zerotrip.kernel.records import Committed, Overtaken, Records, Taken

LEGAL_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Publishing:
    """What editors and reviewers do; `seen` is the version of the head they saw."""

    tenant: str
    records: Records
    catalogue: Catalogue
    now: Callable[[], datetime]

    def read(self, code: str) -> ItemNow:
        """Where the item's latest proposal stands. Raises NotFound `item_unknown`."""
        key = revisions.item_key(self.tenant, code)
        now = revisions.read_item(self.records.head(key)) if "#" not in code else None
        if now is None:
            raise NotFound("item_unknown", "没有该办理事项。", "There is no such item.")
        return now

    def own(self, code: str, organisation: str) -> ItemNow:
        """The organisation's own item. NotFound alike for none and another's."""
        now = self.read(code)
        if now.item.organisation != organisation:
            raise NotFound("item_unknown", "没有该办理事项。", "There is no such item.")
        return now

    def history(self, now: ItemNow) -> tuple[EventRow, ...]:
        """Everything that was done with the item, first to last."""
        return self.records.history(now.head.key)

    def changes(self, now: ItemNow) -> list[dict[str, str]]:
        """How the proposal differs from what is offered; empty for a new item."""
        code = now.head.key.id
        try:
            offered = self.catalogue.current(self.tenant, code)
        except NotFound:
            return []
        proposed = self.catalogue.pinned(self.tenant, code, now.item.digest)
        return [
            {"path": each.path, "zh": each.zh, "en": each.en}
            for each in diff(offered.item, proposed)
        ]

    def check(self, files: Mapping[str, str]) -> Checked:
        """What the lint says of an editor's files, beside what is published.

        Raises Invalid `catalogue_folder_wrong` where they cannot even be read.
        """
        return checked(self.tenant, self.catalogue, files, times.legal_day(self.now()))

    def propose(
        self, actor: str, organisation: str, files: Mapping[str, str], seen: int
    ) -> tuple[Committed, Checked]:
        """Sends a revision to both offices.

        Raises Invalid with every error of the lint, Forbidden `item_owner_other`.
        """
        found = self.check(files)
        found.require_no_errors()
        item = found.draft.item
        if item.organisation.uscc != organisation:
            raise Forbidden(
                "item_owner_other",
                "该事项由其他机构编制，只有该机构的人员可以修改。",
                "Another organisation owns this item: only its editors may change it.",
                detail={"owner": item.organisation.uscc},
            )
        made = self.catalogue.stored(item, found.draft.layout)
        key = revisions.item_key(self.tenant, item.code)
        said = {"revision": item.revision, "digest": made.digest}
        done = self._done_before(key, "propose_item", actor, seen, said)
        if done is not None:
            return done, found
        now = revisions.read_item(self.records.head(key))
        command = self._command(actor, now, seen)
        change = revisions.propose(key, now, command, made.item, made.digest)
        return self._commit(change), found

    def review(
        self,
        code: str,
        actor: str,
        seen: int,
        office: Office,
        *,
        agrees: bool,
        reasons: str,
    ) -> Committed:
        """One office's answer to the proposal that was seen."""
        now = self.read(code)
        said = {"office": str(office), "agrees": agrees, "reasons": reasons}
        done = self._done_before(now.head.key, "review_item", actor, seen, said)
        if done is not None:
            return done
        command = self._command(actor, now, seen)
        change = revisions.review(
            now,
            command,
            office,
            agrees=agrees,
            reasons=reasons,
            logins=self._same_person(actor, revisions.spoke_before(now, office)),
        )
        return self._commit(change)

    def _same_person(self, actor: str, others: Collection[str]) -> frozenset[str]:
        """Which of the others are the actor by another login."""
        known = Persons(self.records.tables).many(self.tenant, {actor, *others})
        if actor not in known:
            return frozenset()
        marks = known[actor].marks
        return frozenset(
            each for each in others if each in known and known[each].marks & marks
        )

    def schedule(
        self, code: str, actor: str, organisation: str, seen: int, effective_on: date
    ) -> Committed:
        """The owner sets the day from which the approved revision is offered."""
        now = self.own(code, organisation)
        said = {"effective_on": effective_on.isoformat()}
        done = self._done_before(now.head.key, "schedule_item", actor, seen, said)
        if done is not None:
            return done
        command = self._command(actor, now, seen)
        return self._commit(revisions.schedule(now, command, effective_on))

    def _done_before(
        self, key: Key, step: str, actor: str, seen: int, said: Mapping[str, object]
    ) -> Committed | None:
        """This very command, sent again because its answer was lost; else None."""
        row = self.records.event(key, f"EVENT#{step}#v{seen}")
        if row is None or row.actor != actor:
            return None
        if any(row.body.get(name) != value for name, value in said.items()):
            return None
        return Committed((row,), duplicate=True)

    def _command(self, actor: str, now: ItemNow | None, seen: int) -> ItemCommand:
        version = now.head.version if now else 0
        if seen != version:
            raise _changed(version)
        return ItemCommand(actor, seen, self.now())

    def _commit(self, change: Change) -> Committed:
        try:
            return self.records.commit(change)
        except (Overtaken, Taken) as other:
            raise _changed(change.expected_version + 1) from other


def effective_instant(day: date) -> datetime:
    """When a legal day begins."""
    return datetime.combine(day, time(), LEGAL_ZONE)


def _changed(version: int) -> Conflict:
    return Conflict(
        "item_changed",
        "该事项已被他人修改，请刷新后再操作。",
        "The item was changed by somebody else: load it again, then act.",
        detail={"version": version},
    )
