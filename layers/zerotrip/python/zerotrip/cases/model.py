"""The case as it stands in its head, and what the applicant handed in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict

from zerotrip.cases.lifecycle import Obligation, Stage
from zerotrip.identity.model import Level
from zerotrip.identity.powers import Office, PowerSource
from zerotrip.kernel.aggregate import Head, Key, Kind, canonical
from zerotrip.kernel.errors import GiveUp

ApplicantKind = Literal["natural", "company", "sole_trader", "branch"]
IN_SUBJECT = ("sub", "received_at")
"""What the head's keys of the subject index say: its body, 1 KB at most, need not."""
WORK_SHARDS = 4
"""Shards of one office's work list."""


class Open(BaseModel):
    """An open obligation: the fact that closes it (`BILL#…`), and since which seq."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    ref: str | None = None
    since: int


class Watch(BaseModel):
    """An awaited answer: the event's row, when to look again, how often we did.

    `until` is `answer` (the step's own event), an obligation, or `tries`. That of the
    obligation `promises` has no row: its due time is a term of law.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    sk: str
    due: str
    tries: int = 0
    until: str


class Case(BaseModel):
    """The body of a case's head: hot facts and references, no personal data, 1 KB.

    `sub` is the applicant's login, `agents` those of whoever acted for the applicant.
    `code` is its query code, None where the case is older than these codes; the head
    has room for a short name only.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    item: str
    item_digest: str
    organisation: str
    department: str
    sub: str
    agents: tuple[str, ...] = ()
    application: str
    code: str | None = None
    received_at: str
    form: str = "FORM"
    obligations: dict[Obligation, Open] = {}
    watch: dict[str, Watch] = {}
    licence: str | None = None
    decided_at: str | None = None
    bills: tuple[str, ...] = ()
    shipments: tuple[str, ...] = ()

    @property
    def key_owner(self) -> str:
        """Whose data key opens the form: the application's, which became the case's."""
        return f"APP#{self.application}"


@dataclass(frozen=True, slots=True)
class CaseNow:
    """A case as read: its key, version, stage and body."""

    head: Head
    case: Case

    @property
    def key(self) -> Key:
        """The aggregate's key."""
        return self.head.key

    @property
    def stage(self) -> Stage:
        """Its legal stage."""
        return Stage(self.head.stage)


def read(head: Head) -> CaseNow:
    """The case that a head of kind CASE holds."""
    who: dict[str, Any] = {}
    if head.subject is not None:
        who = dict(zip(IN_SUBJECT, head.subject, strict=True))
    return CaseNow(head, Case.model_validate({**who, **head.body}))


def stored_case(head: Head | None, named: Key) -> CaseNow:
    """The case whose head was read under a key. Raises GiveUp where there is none."""
    if head is None or named.kind is not Kind.CASE:
        raise GiveUp(
            "case_unknown",
            "消息所指的办件不存在。",
            "The message names a case that is not stored.",
            detail={"aggregate": named.ref},
        )
    return read(head)


def case_key(tenant: str, case_no: str) -> Key:
    """The key of a case."""
    return Key(tenant, Kind.CASE, case_no)


@dataclass(frozen=True, slots=True)
class HandedBy:
    """Who handed a form in, and for whom, as of that moment.

    `level` is of who acted; `agent` is that person's `sub` where somebody was
    represented. The agent's name and number are sealed with the form.
    """

    level: Level = Level.DECLARED
    kind: ApplicantKind = "natural"
    agent: str | None = None
    office: Office | None = None
    power: str | None = None
    source: PowerSource | None = None
    seen_by: str | None = None
    agent_name: str | None = field(default=None, repr=False)
    agent_number: str | None = field(default=None, repr=False)

    @property
    def by_agent(self) -> bool:
        """Whether an agent acted; a representative or a guardian is none."""
        return self.office in (Office.AGENT, Office.MANAGER)

    def as_data(self) -> dict[str, str]:
        """What stands in clear: references and words, nothing personal."""
        said = {
            "level": self.level,
            "kind": self.kind,
            "agent": self.agent,
            "office": self.office,
            "power": self.power,
            "source": self.source,
            "seen_by": self.seen_by,
        }
        return {name: str(value) for name, value in said.items() if value is not None}

    def as_sealed(self) -> dict[str, str]:
        """What is sealed beside the form."""
        said = {"name": self.agent_name, "number": self.agent_number}
        return {name: value for name, value in said.items() if value is not None}

    @classmethod
    def read(cls, data: Mapping[str, str], sealed: Mapping[str, str]) -> HandedBy:
        """Reads both parts."""
        return cls(
            level=Level(data.get("level", Level.DECLARED)),
            kind=cast(ApplicantKind, data.get("kind", "natural")),
            agent=data.get("agent"),
            office=Office(data["office"]) if "office" in data else None,
            power=data.get("power"),
            source=PowerSource(data["source"]) if "source" in data else None,
            seen_by=data.get("seen_by"),
            agent_name=sealed.get("name"),
            agent_number=sealed.get("number"),
        )


@dataclass(frozen=True, slots=True)
class Handed:
    """What was handed in: the form in clear, and the pinned version of each material.

    A material is `{key, version_id, sha256, type, size_bytes}`, or `{source, ref, …}`
    where the state had it. `promised` names those that the applicant will hand in,
    `by` who handed it in, and for whom.
    """

    form: Mapping[str, Any]
    materials: Mapping[str, Mapping[str, Any]]
    promised: tuple[str, ...] = ()
    by: HandedBy = HandedBy()

    def content_of(self, code: str) -> Any:
        """What a material is, to compare it: its bytes, or what the state had."""
        kept = self.materials.get(code)
        return None if kept is None else kept.get("sha256") or dict(kept)

    def says_the_same(self, other: Handed) -> bool:
        """Whether an officer would read and see the same in both."""
        codes = {*self.materials, *other.materials}
        return (
            canonical(dict(self.form)) == canonical(dict(other.form))
            and all(self.content_of(code) == other.content_of(code) for code in codes)
            and self.awaited == other.awaited
        )

    @property
    def awaited(self) -> frozenset[str]:
        """The promised materials that have not come."""
        return frozenset(self.promised) - set(self.materials)


def work_partition(
    tenant: str, organisation: str, department: str, role: str, shard: int
) -> str:
    """Partition of the work-list index."""
    return f"{tenant}#WORK#{organisation}#{department}#{role}#{shard}"


def work_shard(case_no: str) -> int:
    """The shard of a case's tasks: its number's last digits are random."""
    return int(case_no[-6:]) % WORK_SHARDS
