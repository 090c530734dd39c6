"""What can be done against a decision: the law's periods, and the one text of it. Pure.

The bodies are the item's (`Item.remedies`). For a department's decision that is the
people's government of its own level (行政复议法 24); customs, finance, tax and state
security go to the organ above (27).
"""

from __future__ import annotations

from zerotrip.catalogue.model import Remedies, Text

RECONSIDERATION_DAYS = 60
"""Calendar days (行政复议法 20, 88)."""
LITIGATION_MONTHS = 6
"""行政诉讼法 46."""
LITIGATION_DAYS_AFTER_RECONSIDERATION = 15
"""From the decision on the reconsideration (行政诉讼法 45)."""

_NO_BODY = Text(
    zh="有管辖权的行政复议机关", en="the authority that reconsiders such decisions"
)
_NO_COURT = Text(zh="有管辖权的人民法院", en="the people's court of that place")


def remedy_text(remedies: Remedies | None) -> Text:
    """The sentences for the applicant; without an item's data, the periods alone."""
    body = remedies.reconsideration_body if remedies else _NO_BODY
    court = remedies.court if remedies else _NO_COURT
    online_zh = online_en = ""
    if remedies and remedies.reconsideration_url:
        online_zh = f"（网上申请：{remedies.reconsideration_url}）"
        online_en = f" (online: {remedies.reconsideration_url})"
    asked_zh = f"向{body.zh}申请行政复议{online_zh}"
    asked_en = f"ask {body.en} for administrative reconsideration{online_en} within "
    asked_en += f"{RECONSIDERATION_DAYS} days of receiving it"
    if remedies and remedies.prior_reconsideration:
        return Text(
            zh=f"不服本决定的，应当先自收到之日起六十日内{asked_zh}；"
            "对行政复议决定不服的，可以自收到行政复议决定书之日起十五日内"
            f"向{court.zh}提起行政诉讼。",
            en=f"Against this decision you must first {asked_en}; against the decision "
            f"on that you may go to {court.en} within "
            f"{LITIGATION_DAYS_AFTER_RECONSIDERATION} days of receiving it.",
        )
    return Text(
        zh=f"不服本决定的，可以自收到之日起六十日内{asked_zh}，"
        f"也可以自收到之日起六个月内向{court.zh}提起行政诉讼。",
        en=f"Against this decision you may {asked_en}, or go to {court.en} within "
        f"{LITIGATION_MONTHS} months of receiving it.",
    )
