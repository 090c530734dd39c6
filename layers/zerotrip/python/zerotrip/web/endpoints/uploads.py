"""The form with which one file is uploaded, to a draft or to a case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zerotrip.catalogue.model import Item
from zerotrip.kernel.objects import Objects, UploadForm
from zerotrip.materials.model import Slot, SlotState
from zerotrip.materials.uploads import FORM_SECONDS, Announced
from zerotrip.web import views
from zerotrip.web.exchange import Reply, Request
from zerotrip.web.idempotency import Answers
from zerotrip.web.requests import NewMaterial

OpenUpload = Callable[[str, Announced], tuple[Slot, UploadForm]]


def upload_form(
    request: Request,
    answers: Answers,
    item: Item,
    *,
    slots: Callable[[], tuple[Slot, ...]],
    uploads: Objects,
    open_upload: OpenUpload,
) -> Reply:
    """Opens an upload; under the same Idempotency-Key the same one, signed anew."""

    def act(noted: Mapping[str, Any] | None) -> tuple[Reply, Mapping[str, Any]]:
        asked = request.asked(NewMaterial)
        slot = _still_open(slots(), asked.material, noted) if noted else None
        if slot is not None:
            # The same upload, so that a form which came late still fills the slot.
            form = uploads.upload_form(
                slot.object_key,
                content_type=slot.content_type,
                size_bytes=slot.size_bytes,
                seconds=FORM_SECONDS,
            )
        else:
            announced = Announced(asked.content_type, asked.size_bytes)
            slot, form = open_upload(asked.material, announced)
        return Reply(201, views.upload(slot, item, form)), {"upload_id": slot.upload_id}

    return answers.anew(request, act)


def _still_open(
    slots: tuple[Slot, ...], code: str, noted: Mapping[str, Any]
) -> Slot | None:
    return next(
        (
            slot
            for slot in slots
            if slot.code == code
            and slot.upload_id == noted["upload_id"]
            and slot.state is SlotState.OPEN
        ),
        None,
    )
