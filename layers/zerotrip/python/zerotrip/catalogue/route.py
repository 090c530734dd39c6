"""The route of an item, step by step, and the visits that it costs. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zerotrip.catalogue.model import RouteStep, Text

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item

REMOTE = frozenset({"computer", "mobile", "courier"})
ONLINE = frozenset({"computer", "mobile"})


def steps_of(item: Item) -> tuple[RouteStep, ...]:
    """The item's own steps, or the usual ones: apply, review, decide, deliver."""
    if item.route.steps:
        return item.route.steps
    made = [_applying(item)]
    if item.route.papers_by_courier:
        made.append(_step("papers", "交寄纸质材料", "Send the papers", "courier"))
    made.append(_step("pre_review", "受理前预审", "Pre-review", "system"))
    if item.route.decided_by == "officer":
        made.append(_step("decide", "审查与决定", "Review and decide", item.route.role))
    else:
        made.append(_step("decide", "系统按规则决定", "Decided by rule", "system"))
    if item.fee is not None:
        made.append(_step("pay", "缴费", "Pay the fee", "applicant"))
    made.append(_step("sign", "制作电子证照", "Sign the licence", "system"))
    if item.route.deliver_by_courier:
        made.append(_step("deliver", "寄递送达", "Deliver by courier", "courier"))
    following = [(step.code,) for step in made[1:]] + [()]
    return tuple(
        step.model_copy(update={"next": after})
        for step, after in zip(made, following, strict=True)
    )


def reached(steps: tuple[RouteStep, ...]) -> frozenset[str]:
    """The codes of the steps that the first one leads to, itself among them."""
    after = {step.code: step.next for step in steps}
    found: set[str] = set()
    waiting = [step.code for step in steps[:1]]
    while waiting:
        code = waiting.pop()
        if code in after and code not in found:
            found.add(code)
            waiting.extend(after[code])
    return frozenset(found)


def computed_visits(item: Item) -> int:
    """How often an applicant must come: the visits of all steps that are reached."""
    steps = steps_of(item)
    there = reached(steps)
    return sum(step.visits for step in steps if step.code in there)


def is_online(item: Item) -> bool:
    """Whether one can apply from where one is, and need never come."""
    return bool(ONLINE & set(item.channels)) and computed_visits(item) == 0


def _applying(item: Item) -> RouteStep:
    visits = 0 if REMOTE & set(item.channels) else 1
    step = _step("apply", "提出申请", "Apply", "applicant")
    return step.model_copy(update={"visits": visits})


def _step(code: str, zh: str, en: str, owner: str) -> RouteStep:
    return RouteStep.model_validate(
        {"code": code, "name": Text(zh=zh, en=en), "owner": owner}
    )
