"""A decision names where it is contested."""

from __future__ import annotations

from collections.abc import Iterator

from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item


def remedies_missing(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """Every item may end in a refusal: what a rule cannot decide goes to an officer."""
    if item.remedies is None:
        yield Finding(
            "",
            "remedies_missing",
            "须在remedies中写明行政复议机关和有管辖权的法院，不予决定时告知申请人。",
            "remedies must name the body for reconsideration and the court: a refusal "
            "tells them to the applicant.",
        )


def remedies_without_online_channel(
    item: Item,
    around: Surroundings,  # noqa: ARG001
) -> Iterator[Finding]:
    """Decisions are served online, and reconsideration cannot be asked for there."""
    if item.remedies is not None and item.remedies.reconsideration_url is None:
        yield Finding(
            "/remedies/reconsideration_url",
            "remedies_without_online_channel",
            "决定在网上送达的，应当同时提供网上申请行政复议的途径（行政复议法第二十二条）。",
            "A decision that is served online comes with an online channel for "
            "reconsideration.",
            "warning",
        )
