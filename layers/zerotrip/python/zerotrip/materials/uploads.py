"""Handing out the form with which an applicant uploads one material."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from zerotrip.kernel.errors import Fault, Invalid
from zerotrip.kernel.identifiers import Mint
from zerotrip.kernel.objects import Objects, UploadForm
from zerotrip.materials import types
from zerotrip.materials.faults import empty
from zerotrip.materials.model import Holder, Slot
from zerotrip.materials.store import Slots

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Material

FORM_SECONDS = 600
"""A form lives 10 minutes: well over before its slot is looked for, at 15."""


@dataclass(frozen=True, slots=True)
class Announced:
    """What the applicant says about the file: media type and exact size in bytes."""

    content_type: str
    size_bytes: int


def issue_upload(
    slots: Slots,
    objects: Objects,
    mint: Mint,
    *,
    now: datetime,
    holder: Holder,
    material: Material,
    announced: Announced,
    expires_at: int | None = None,
) -> tuple[Slot, UploadForm]:
    """Opens the material's slot anew and signs a form for exactly that file.

    The slot is stored before the form leaves. `expires_at` is the draft's TTL. The
    caller has checked that the holder is the person's own and still takes materials.
    Raises Invalid `material_not_acceptable` with every fault.
    """
    require_acceptable(material, announced)
    slot = slots.open(
        Slot(
            holder=holder,
            code=material.code,
            upload_id=mint.opaque(),
            content_type=announced.content_type,
            size_bytes=announced.size_bytes,
            issued_at=now,
            expires_at=expires_at,
        )
    )
    form = objects.upload_form(
        slot.object_key,
        content_type=slot.content_type,
        size_bytes=slot.size_bytes,
        seconds=FORM_SECONDS,
    )
    return slot, form


def require_acceptable(material: Material, announced: Announced) -> None:
    """Raises Invalid `material_not_acceptable` with every fault."""
    faults = announced_faults(material, announced)
    if faults:
        raise Invalid(
            "material_not_acceptable",
            "该文件不符合材料要求，请按提示更换。",
            "This file is not what the material asks for.",
            faults=faults,
        )


def announced_faults(material: Material, announced: Announced) -> tuple[Fault, ...]:
    """Every fault of an announcement, by JSON pointer into the request."""
    faults: list[Fault] = []
    if announced.content_type not in material.types:
        accepted = [types.SPOKEN.get(media, media) for media in material.types]
        faults.append(
            Fault(
                "/content_type",
                "material_type_wrong",
                f"该材料只接受以下格式：{'、'.join(accepted)}。",
                f"This material takes these types only: {', '.join(accepted)}.",
            )
        )
    if announced.size_bytes <= 0:
        faults.append(empty("/size_bytes"))
    elif announced.size_bytes > material.max_bytes:
        limit = _spoken_size(material.max_bytes)
        faults.append(
            Fault(
                "/size_bytes",
                "material_size_wrong",
                f"文件过大，最大为{limit}，请压缩后上传。",
                f"The file is too large: {limit} at most. Make it smaller.",
            )
        )
    return tuple(faults)


def _spoken_size(size_bytes: int) -> str:
    mebibytes = size_bytes / (1024 * 1024)
    return f"{mebibytes:.1f} MB" if mebibytes >= 0.1 else f"{size_bytes / 1024:.1f} KB"
