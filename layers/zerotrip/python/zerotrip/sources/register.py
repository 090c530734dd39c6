"""The licence register, asked for one holder's own licences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from zerotrip.kernel import times
from zerotrip.kernel.aggregate import Head, Key, Kind
from zerotrip.kernel.errors import Invalid
from zerotrip.kernel.licence_identifier import parse
from zerotrip.kernel.records import Records
from zerotrip.sources.model import LICENCE, Reason, Resolved, newest

REGISTERED = "registered"
"""The stage in which a licence's file stands signed (`licences.model`)."""
MOST_AGGREGATES = 1000
"""Keys read of one subject, newest first: one page of the index, a few read units."""


@dataclass(frozen=True, slots=True)
class Register:
    """Looks licences up by holder and type: the type stands in the identifier."""

    records: Records

    def holdings(
        self, tenant: str, subs: Collection[str], types: Collection[str], day: date
    ) -> dict[str, Resolved | Reason]:
        """By licence type: the holder's licence that is valid that day, or why none is.

        One query of the subject index for each of the holder's logins and one batch
        get, however many types.
        """
        keys = [
            key
            for sub in sorted(subs)
            for key in self.records.of_subject(tenant, sub, MOST_AGGREGATES)
            if key.kind is Kind.LICENCE and _type_of(key) in types
        ]
        heads = self.records.heads(keys) if keys else []
        issued = [
            _resolved(head)
            for head in heads
            if head.stage == REGISTERED and head.body["sub"] in subs
        ]
        found: dict[str, Resolved | Reason] = {}
        for kind in types:
            of_kind = [each for each in issued if each.wanted == kind]
            valid = newest(each for each in of_kind if each.holds_on(day))
            absent = Reason.EXPIRED if of_kind else Reason.NOT_FOUND
            found[kind] = valid or absent
        return found

    def still_valid(
        self, tenant: str, subs: Collection[str], licence_id: str, day: date
    ) -> bool:
        """Whether that licence is the holder's and valid that day: its head is read."""
        head = self.records.head(Key(tenant, Kind.LICENCE, licence_id))
        return (
            head is not None
            and head.stage == REGISTERED
            and head.body["sub"] in subs
            and _resolved(head).holds_on(day)
        )


def _type_of(key: Key) -> str:
    try:
        return parse(key.id).type_code
    except Invalid:
        return ""  # no identifier of ours: it cannot be the one that is looked for


def _resolved(head: Head) -> Resolved:
    body = head.body
    until = body["valid_until"]
    issued_at = times.from_text(body["issued_at"])
    return Resolved(
        source=LICENCE,
        wanted=_type_of(head.key),
        ref=head.key.id,
        sha256=body["sha256"],
        resolved_at=issued_at,
        valid_from=times.legal_day(issued_at),
        valid_until=date.fromisoformat(until) if until else None,
    )
