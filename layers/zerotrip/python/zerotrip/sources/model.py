"""What came of looking for a material that the state has. Pure.

A material of source `licence` or `shared` is never asked of the applicant while a
resolution stands for it; where none could be had, `Reason` says why, and the material
becomes an upload like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from zerotrip.kernel import times

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item, Material
    from zerotrip.identity.powers import Acting

SOURCE = "SOURCE#"
LICENCE, SHARED, FORM = "licence", "shared", "form"


class Reason(StrEnum):
    """Why the state could not give what it may have; shown to the applicant."""

    PROVIDER_UNAVAILABLE = "provider_unavailable"
    NOT_FOUND = "not_found"
    EXPIRED = "expired"
    IDENTITY_UNPROVEN = "identity_unproven"


WORDS: dict[Reason, tuple[str, str]] = {
    Reason.PROVIDER_UNAVAILABLE: (
        "有关部门的系统暂时没有响应，请上传该材料；提交时系统会再次自动核查。",
        "The authority does not answer now: please upload it; handing in tries again.",
    ),
    Reason.NOT_FOUND: (
        "有关部门没有查到您的记录，请上传该材料。",
        "The authority has no record of yours: please upload it.",
    ),
    Reason.EXPIRED: (
        "查到的记录已过有效期，请上传有效的材料。",
        "What the authority has is no longer valid: please upload a valid one.",
    ),
    Reason.IDENTITY_UNPROVEN: (
        "您尚未完成实名认证（本人核验），请先完成实名认证，或者上传该材料。",
        "Your identity is not proven in person, so nobody can be asked: prove it "
        "first, or please upload the material.",
    ),
}


@dataclass(frozen=True, slots=True)
class Application:
    """For whom materials are looked up, and where what is found is kept.

    `acting` is who asks: how well proven, and whose licences may be found. `form` is
    the draft's as saved; `expires_at` is the TTL of its rows.
    """

    tenant: str
    id: str
    sub: str
    acting: Acting
    started_at: str
    expires_at: int
    form: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def owner(self) -> str:
        """Whose data key seals its documents."""
        return f"APP#{self.id}"

    @property
    def pk(self) -> str:
        """Partition key in `drafts`: the draft's own."""
        return f"{self.tenant}#{self.owner}"


@dataclass(frozen=True, slots=True)
class Resolved:
    """The state has it. `wanted` is the licence type, or the shared material's code.

    `ref` is the licence's identifier or the provider's reference; `sha256` (hex) is of
    the signed file or of the document's canonical JSON; both days are legal days.
    """

    source: str
    wanted: str
    ref: str
    sha256: str
    resolved_at: datetime
    valid_from: date | None = None
    valid_until: date | None = None
    provider: str | None = None
    document: bytes | None = field(default=None, repr=False)

    def holds_on(self, day: date) -> bool:
        """Whether it may still stand for the material on that legal day."""
        return self.valid_until is None or day <= self.valid_until

    def pin(self) -> dict[str, Any]:
        """What a submission freezes of it: references and days, no personal data."""
        if self.source == LICENCE:
            return {
                "source": LICENCE,
                "ref": self.ref,
                "licence_type": self.wanted,
                "sha256": self.sha256,
                "valid_from": _day(self.valid_from),
                "valid_until": _day(self.valid_until),
            }
        return {
            "source": SHARED,
            "provider": self.provider,
            "shared": self.wanted,
            "ref": self.ref,
            "sha256": self.sha256,
            "fetched_at": times.to_text(self.resolved_at),
            "valid_until": _day(self.valid_until),
        }

    def as_data(self) -> dict[str, Any]:
        """The body of the stored row; the document is sealed beside it."""
        return {
            "source": self.source,
            "wanted": self.wanted,
            "ref": self.ref,
            "sha256": self.sha256,
            "at": times.to_text(self.resolved_at),
            "valid_from": _day(self.valid_from),
            "valid_until": _day(self.valid_until),
            "provider": self.provider,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Resolved:
        """Reads a stored row's body; the document stays sealed."""
        return cls(
            source=data["source"],
            wanted=data["wanted"],
            ref=data["ref"],
            sha256=data["sha256"],
            resolved_at=times.from_text(data["at"]),
            valid_from=_read_day(data["valid_from"]),
            valid_until=_read_day(data["valid_until"]),
            provider=data["provider"],
        )


@dataclass(frozen=True, slots=True)
class Unresolved:
    """The state could not give it this time, so that it is asked as an upload."""

    source: str
    wanted: str
    reason: Reason
    at: datetime

    def as_data(self) -> dict[str, Any]:
        """The body of the stored row."""
        return {
            "source": self.source,
            "wanted": self.wanted,
            "reason": self.reason.value,
            "at": times.to_text(self.at),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Unresolved:
        """Reads a stored row's body."""
        return cls(
            source=data["source"],
            wanted=data["wanted"],
            reason=Reason(data["reason"]),
            at=times.from_text(data["at"]),
        )


Resolution = Resolved | Unresolved


@dataclass(frozen=True, slots=True)
class Standing:
    """A material that the state may have, and how that stands; None: not looked yet."""

    material: Material
    resolution: Resolution | None

    @property
    def state(self) -> str:
        """`resolved`: nothing to do · `upload`: hand it in · `pending`: looked up
        when the application is handed in."""
        match self.resolution:
            case Resolved():
                return "resolved"
            case Unresolved():
                return "upload"
            case _:
                return "pending"


def wanted(material: Material) -> str:
    """What is looked for: a licence type, or a code of the shared materials."""
    return (
        material.licence_type if material.source == LICENCE else material.shared
    ) or ""


def looked_up(item: Item) -> tuple[Material, ...]:
    """The item's materials that the state may have."""
    return tuple(each for each in item.materials if each.source in (LICENCE, SHARED))


def same_wish(material: Material, resolution: Resolution) -> bool:
    """Whether that was looked for which the material asks now: items change."""
    return (resolution.source, resolution.wanted) == (material.source, wanted(material))


def newest(found: Iterable[Resolved]) -> Resolved | None:
    """The one that holds longest; of those the one issued last."""
    ordered = sorted(
        found,
        key=lambda each: (each.valid_until or date.max, each.valid_from or date.min),
    )
    return ordered[-1] if ordered else None


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _read_day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
