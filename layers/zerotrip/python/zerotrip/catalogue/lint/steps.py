"""The route: every step is somebody's, and every step is reached."""

from __future__ import annotations

from collections.abc import Iterator

from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item
from zerotrip.catalogue.route import reached


def route_step_without_owner(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A step is no one's."""
    for position, step in enumerate(item.route.steps):
        if step.owner is None:
            yield Finding(
                f"/route/steps/{position}",
                "route_step_without_owner",
                f"环节“{step.name.zh}”没有写明由谁办理（owner）。",
                f"The step “{step.name.en}” has no owner.",
            )


def route_step_unreached(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """No step leads to it."""
    there = reached(item.route.steps)
    for position, step in enumerate(item.route.steps):
        if step.code not in there:
            yield Finding(
                f"/route/steps/{position}",
                "route_step_unreached",
                f"没有任何环节通向“{step.name.zh}”。",
                f"Nothing leads to the step “{step.name.en}”.",
            )


def route_step_unknown(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """A step leads to one that is not there, or a code stands twice."""
    codes = [step.code for step in item.route.steps]
    for position, step in enumerate(item.route.steps):
        for row, code in enumerate(step.next):
            if code not in codes:
                yield Finding(
                    f"/route/steps/{position}/next/{row}",
                    "route_step_unknown",
                    f"没有代码为{code}的环节。",
                    f"There is no step {code}.",
                )
        if step.code in codes[:position]:
            yield Finding(
                f"/route/steps/{position}/code",
                "route_step_repeated",
                f"环节代码{step.code}重复。",
                f"The step {step.code} stands twice.",
            )


def route_without_decider(item: Item, around: Surroundings) -> Iterator[Finding]:  # noqa: ARG001
    """The steps that are told lack the one who decides."""
    route = item.route
    decider = route.role if route.decided_by == "officer" else "system"
    if route.steps and decider not in {step.owner for step in route.steps}:
        yield Finding(
            "/route/steps",
            "route_without_decider",
            f"所列环节中没有作出决定的一方（{decider}）。",
            f"No step belongs to {decider}, who decides.",
        )
