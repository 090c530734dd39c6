"""Asking the providers of shared materials: the port, and what an answer comes to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from zerotrip.catalogue.model import Item, Material, SharedMaterial
from zerotrip.catalogue.shared_entries import shared_materials
from zerotrip.identity.model import Level, Proven
from zerotrip.identity.powers import Acting, subject_ended
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, Unavailable, ZeroTripError
from zerotrip.kernel.names import same_name
from zerotrip.kernel.tables import Tables
from zerotrip.sources.model import (
    SHARED,
    Application,
    Reason,
    Resolution,
    Resolved,
    Unresolved,
    wanted,
)


@dataclass(frozen=True, slots=True)
class Query:
    """What a provider is asked: for one material, of one subject, for one purpose."""

    material: SharedMaterial
    about: Proven
    application: Application
    item: Item


@dataclass(frozen=True, slots=True)
class Given:
    """A provider's document: canonical JSON, its reference, its own last day if any."""

    document: bytes
    sha256: str
    ref: str
    valid_until: date | None


class Providers(Protocol):
    """Who gives shared materials."""

    def fetch(self, query: Query) -> Given | None:
        """The document, or None when there is no record of this subject.

        Raises Unavailable, or another ZeroTripError for settings that are wrong.
        """


class NoProviders:
    """Nobody is connected: every shared material becomes an upload."""

    def fetch(self, query: Query) -> Given | None:
        """Raises Unavailable `provider_unavailable`."""
        raise provider_unavailable(query.material.provider, "not_connected")


NOBODY = NoProviders()


@dataclass(frozen=True, slots=True)
class Desk:
    """Asks whoever provides a shared material, all of an application's at once.

    `identify` opens for whom is asked; `tell` hears of each provider's failure, `note`
    of a `sub` that a register knows as `deceased` or `deregistered`.
    """

    tables: Tables
    providers: Providers
    identify: Callable[[Acting], Proven | None]
    tell: Callable[[ZeroTripError], None]
    note: Callable[[str, str], None]

    def look(
        self,
        application: Application,
        item: Item,
        materials: Iterable[Material],
        moment: datetime,
    ) -> dict[str, Resolution]:
        """By material code, for those of source `shared`: found, or why not.

        Raises Forbidden as `subject_ended` does, where a register says that there is
        nobody to apply for any more, Conflict `register_name_differs`.
        """
        shared = [each for each in materials if each.source == SHARED]
        if not shared:
            return {}
        known = enough_known(application, item)
        about = self.identify(application.acting) if known else None
        if about is None:
            return {
                each.code: _unresolved(each, Reason.IDENTITY_UNPROVEN, moment)
                for each in shared
            }
        offered = shared_materials(self.tables, application.tenant, map(wanted, shared))

        def ask(material: Material) -> Resolution:
            published = offered.get(wanted(material))
            if published is None:
                self.tell(provider_unavailable(wanted(material), "not_in_catalogue"))
                return _unresolved(material, Reason.PROVIDER_UNAVAILABLE, moment)
            query = Query(published, about, application, item)
            return self._asked(query, material, moment)

        looked = dict(
            zip((each.code for each in shared), _at_once(ask, shared), strict=True)
        )
        self._require_there(application, offered, looked)
        _require_same_name(about, offered, looked)
        return looked

    def _require_there(
        self,
        application: Application,
        offered: Mapping[str, SharedMaterial],
        looked: Mapping[str, Resolution],
    ) -> None:
        for found in looked.values():
            if not isinstance(found, Resolved) or found.document is None:
                continue
            status = json.loads(found.document).get("status")
            reason = offered[found.wanted].ended.get(str(status))
            if reason is not None:
                self.note(application.acting.sub, reason)
                raise subject_ended(reason)

    def _asked(self, query: Query, material: Material, moment: datetime) -> Resolution:
        try:
            given = self.providers.fetch(query)
        except ZeroTripError as trouble:
            # Of whatever kind: nobody's application waits for a provider.
            self.tell(trouble)
            return _unresolved(material, Reason.PROVIDER_UNAVAILABLE, moment)
        if given is None:
            return _unresolved(material, Reason.NOT_FOUND, moment)
        day = times.legal_day(moment)
        until = day + timedelta(days=query.material.valid_days)
        if given.valid_until is not None:
            until = min(until, given.valid_until)
        if until < day:
            return _unresolved(material, Reason.EXPIRED, moment)
        return Resolved(
            source=SHARED,
            wanted=query.material.code,
            ref=given.ref,
            sha256=given.sha256,
            resolved_at=moment,
            valid_until=until,
            provider=query.material.provider,
            document=given.document,
        )


def _require_same_name(
    about: Proven,
    offered: Mapping[str, SharedMaterial],
    looked: Mapping[str, Resolution],
) -> None:
    """Raises Conflict `register_name_differs` where a register knows the number under
    another name: one of both is wrong, and nothing is made of either."""
    for found in looked.values():
        if not isinstance(found, Resolved) or found.document is None:
            continue
        field = offered[found.wanted].name_field
        said = json.loads(found.document).get(field) if field else None
        if isinstance(said, str) and not same_name(said, about.name):
            raise Conflict(
                "register_name_differs",
                "登记部门的姓名（名称）与您的实名信息不一致，请先核对：实名信息有误的，"
                "请到政务服务窗口更正；登记信息有误的，请向登记部门更正。已填内容会保留。",
                "The register knows your number under another name. Correct what is "
                "wrong, at a service counter or at the register. The draft is kept.",
                detail={"provider": found.provider},
            )


def enough_known(application: Application, item: Item) -> bool:
    """Whether who asks is proven well enough that the state is asked about them."""
    level = application.acting.level
    return level.reaches(Level.PRESENT) and level.reaches(item.identity_level)


def provider_unavailable(provider: str, reason: str) -> Unavailable:
    """A provider did not give what was asked; `reason` is a code for the log."""
    return Unavailable(
        "provider_unavailable",
        "数据提供部门暂时没有给出有效的答复。",
        "The provider of the data gave no valid answer.",
        detail={"provider": provider, "reason": reason},
    )


def _unresolved(material: Material, reason: Reason, moment: datetime) -> Unresolved:
    return Unresolved(material.source, wanted(material), reason, moment)


def _at_once(
    ask: Callable[[Material], Resolution], materials: Sequence[Material]
) -> list[Resolution]:
    """All at the same time: together they take as long as the slowest one."""
    if len(materials) == 1:
        return [ask(materials[0])]
    # Late: few items ask two providers.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=len(materials)) as threads:
        return list(threads.map(ask, materials))
