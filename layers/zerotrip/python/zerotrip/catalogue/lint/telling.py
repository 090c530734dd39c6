"""The guide is complete (全公开), and legacy codes are seen."""

from __future__ import annotations

from collections.abc import Iterator

from zerotrip.catalogue.guide import missing
from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item

_LACKS = {
    "conditions": ("", "受理条件（conditions）", "the conditions"),
    "enquiry_telephone": (
        "/organisation",
        "咨询电话（enquiry_telephone）",
        "the enquiry telephone",
    ),
    "address": ("/organisation", "办理地点（address）", "the address of the counter"),
    "hours": ("/organisation", "办理时间（hours）", "the hours of the counter"),
}


def guide_incomplete(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """An element is missing that a guide must have."""
    for name in missing(item):
        place, zh, en = _LACKS.get(name, ("", name, name))
        yield Finding(
            place,
            f"guide_lacks_{name}",
            f"办事指南缺少{zh}。",
            f"The guide lacks {en}.",
        )


def guide_lacks_notes(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A file is asked for, and the guide does not say what it must show."""
    for position, material in enumerate(item.materials):
        if material.source == "upload" and material.note is None:
            yield Finding(
                f"/materials/{position}",
                "guide_lacks_notes",
                f"材料“{material.name.zh}”缺少填报须知（note）。",
                f"The material “{material.name.en}” has no note for the applicant.",
            )


def code_flagged(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A legacy code fails its check and was let pass."""
    for path in item.flagged_codes:
        yield Finding(
            path,
            "code_flagged",
            "该代码未通过校验，按历史代码放行，请核实。",
            "This code fails its check and passes as a legacy code: please verify.",
            "warning",
        )
