"""Slots, uploads and the vault, as an applicant sees them."""

from __future__ import annotations

from typing import Any, Literal

from typing_extensions import TypedDict

from zerotrip.web.answers.common import FaultAnswer, Text


class ReusedAnswer(TypedDict):
    """That a file of the vault fills the slot, for what, and agreed to when."""

    sha256: str
    purpose: str
    consent_at: str


class SlotAnswer(TypedDict):
    """One material: what was announced, what came of it, why it was refused.

    `scanner` looked for malware, `none`: nobody did; null: the file did not get there.
    """

    code: str
    name: Text
    state: Literal["open", "absent", "received", "refused"]
    content_type: str
    size_bytes: int
    issued_at: str
    sha256: str | None
    reason: FaultAnswer | None
    scanner: str | None
    reused: ReusedAnswer | None


class SourceReason(TypedDict):
    """Why the state could not give a material, so that it is asked as an upload."""

    code: Literal["provider_unavailable", "not_found", "expired", "identity_unproven"]
    zh: str
    en: str


class SourceAnswer(TypedDict):
    """A material that the state may have.

    `state`: `resolved`, nothing to do · `upload`, hand it in, for this `reason` ·
    `pending`, looked up at hand-in. `provider` gave it; `valid_until` is a legal day.
    """

    code: str
    name: Text
    source: Literal["licence", "shared"]
    state: Literal["resolved", "upload", "pending"]
    provider: str | None
    valid_until: str | None
    reason: SourceReason | None


class OfferAnswer(TypedDict):
    """What the person wrote in an earlier application: item code, name and when."""

    value: Any
    from_item: str
    item_name: Text
    at: str


class UploadForm(TypedDict):
    """Post these fields, then the file as `file`, to the URL as multipart/form-data."""

    url: str
    fields: dict[str, str]
    expires_in_seconds: int


class UploadAnswer(TypedDict):
    """The material's slot and the form that fills it."""

    slot: SlotAnswer
    upload: UploadForm


class StoredUse(TypedDict):
    """As which material of which item a stored file was handed up, and when."""

    material: str
    name: Text
    item_code: str
    item_name: Text
    at: str


class StoredFile(TypedDict):
    """A file of one's vault. It is as old as `received_at` says, its first coming.

    It may stand for a material that it was used as, where the item says for how many
    months (`reusable_months`).
    """

    sha256: str
    content_type: str
    size_bytes: int
    received_at: str
    scanner: str | None
    used_as: list[StoredUse]


class VaultAnswer(TypedDict):
    """The person's own files, the newest first."""

    files: list[StoredFile]


class ReuseAnswer(TypedDict):
    """The slot that the stored file fills, and the last legal day on which it may."""

    slot: SlotAnswer
    valid_until: str
