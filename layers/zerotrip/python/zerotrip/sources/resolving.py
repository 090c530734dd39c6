"""Looking for what the state has, before an applicant is asked for it.

Register and providers are asked outside every transaction. What is found stands under
the draft while it is valid; what is not found stands there with its reason, and is
looked for once more when the application is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from zerotrip.catalogue.checks import RuleBroken, condition_holds
from zerotrip.catalogue.model import Item, Material
from zerotrip.identity.model import Proven
from zerotrip.identity.powers import Acting
from zerotrip.kernel import times
from zerotrip.kernel.errors import Conflict, ZeroTripError
from zerotrip.kernel.records import Records
from zerotrip.kernel.sealing import KeyRing
from zerotrip.kernel.tables import StoredRow, Tables
from zerotrip.sources import kept
from zerotrip.sources.model import (
    FORM,
    LICENCE,
    SHARED,
    WORDS,
    Application,
    Reason,
    Resolution,
    Resolved,
    Standing,
    Unresolved,
    looked_up,
    same_wish,
    wanted,
)
from zerotrip.sources.providers import NOBODY, Desk, Providers, enough_known
from zerotrip.sources.register import Register


def _unknown(_: Acting) -> Proven | None:
    """Where nobody's identity is known."""
    return None


def _unheard(_: ZeroTripError) -> None:
    """Where nobody keeps a log."""


def _unnoted(_: str, __: str) -> None:
    """Where no register's word of somebody's end is kept."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Looks materials up, and remembers under the draft what came of it.

    `identify` opens for whom is asked; `tell` hears of each provider's failure,
    `note` of somebody whom a register knows as dead or deregistered. An item
    that asks for nothing of the state costs no call at all.
    """

    tables: Tables
    records: Records
    keys: KeyRing
    now: Callable[[], datetime]
    providers: Providers = NOBODY
    identify: Callable[[Acting], Proven | None] = _unknown
    tell: Callable[[ZeroTripError], None] = _unheard
    note: Callable[[str, str], None] = _unnoted

    def begin(self, application: Application, item: Item) -> None:
        """Looks up what the item asks of everybody; what depends on the form waits."""
        unconditional = [each for each in looked_up(item) if each.when is None]
        if unconditional:
            self._look(application, item, unconditional, {})

    def standings(self, application: Application, item: Item) -> tuple[Standing, ...]:
        """How each material that the state may have stands now, in the item's order."""
        materials = looked_up(item)
        rows = self._kept.rows(application) if materials else {}
        today = times.legal_day(self.now())
        return tuple(
            Standing(each, _current(each, rows.get(each.code), today))
            for each in materials
        )

    def require_asked(
        self, application: Application, item: Item, material: Material
    ) -> None:
        """Raises Conflict `material_not_asked` while the material needs no upload."""
        if material.source == FORM:
            raise _not_asked(material)
        if material.source not in (LICENCE, SHARED):
            return
        rows = self._kept.rows(application)
        today = times.legal_day(self.now())
        resolution = _current(material, rows.get(material.code), today)
        if resolution is None and is_asked(material, application.form):
            looked = self._look(application, item, [material], rows)
            resolution = looked[material.code]
        if not isinstance(resolution, Unresolved):
            raise _not_asked(material)

    def for_hand_in(
        self,
        application: Application,
        item: Item,
        uploaded: Collection[str],
        coming: Collection[str] = (),
    ) -> dict[str, Resolved]:
        """What stands for the item's materials when the application is handed in.

        What is missing or no longer valid is looked up once more, unless its upload is
        there. Raises Conflict `material_source_changed` for a required material that
        neither the state nor the applicant has given, and that is not `coming`:
        promised, or an upload that is still being looked at.
        """
        asked = [each for each in looked_up(item) if is_asked(each, application.form)]
        if not asked:
            return {}
        rows = self._kept.rows(application)
        found = self._still_held(application, asked, rows)
        missing = [
            each
            for each in asked
            if each.code not in found and each.code not in uploaded
        ]
        looked = self._look(application, item, missing, rows) if missing else {}
        found |= {
            code: each for code, each in looked.items() if isinstance(each, Resolved)
        }
        _require_given(missing, looked, coming)
        return self._kept.with_documents(application, found, rows)

    @property
    def _kept(self) -> kept.Kept:
        return kept.Kept(self.tables, self.keys)

    def _still_held(
        self,
        application: Application,
        asked: Iterable[Material],
        rows: Mapping[str, StoredRow],
    ) -> dict[str, Resolved]:
        """Earlier resolutions that stand. A licence may be taken back any day, so its
        head is read again; a provider's answer holds until its last day."""
        today = times.legal_day(self.now())
        register = Register(self.records)
        found: dict[str, Resolved] = {}
        for each in asked:
            resolution = _current(each, rows.get(each.code), today)
            if isinstance(resolution, Resolved) and (
                each.source == SHARED
                or register.still_valid(
                    application.tenant, application.acting.subs, resolution.ref, today
                )
            ):
                found[each.code] = resolution
        return found

    def _look(
        self,
        application: Application,
        item: Item,
        materials: Sequence[Material],
        rows: Mapping[str, StoredRow],
    ) -> dict[str, Resolution]:
        moment = self.now()
        desk = Desk(self.tables, self.providers, self.identify, self.tell, self.note)
        looked = {
            **self._in_register(application, item, materials, moment),
            **desk.look(application, item, materials, moment),
        }
        self._kept.keep(application, looked, rows)
        return looked

    def _in_register(
        self,
        application: Application,
        item: Item,
        materials: Iterable[Material],
        moment: datetime,
    ) -> dict[str, Resolution]:
        licences = [each for each in materials if each.source == LICENCE]
        if not licences:
            return {}
        if not enough_known(application, item):
            unproven = Reason.IDENTITY_UNPROVEN
            return {
                each.code: Unresolved(LICENCE, wanted(each), unproven, moment)
                for each in licences
            }
        held = Register(self.records).holdings(
            application.tenant,
            application.acting.subs,
            {wanted(each) for each in licences},
            times.legal_day(moment),
        )
        looked: dict[str, Resolution] = {}
        for each in licences:
            holding = held[wanted(each)]
            looked[each.code] = (
                replace(holding, resolved_at=moment)
                if isinstance(holding, Resolved)
                else Unresolved(LICENCE, wanted(each), holding, moment)
            )
        return looked


def is_asked(material: Material, form: Mapping[str, Any]) -> bool:
    """Whether the form as it is makes the material necessary.

    A condition that cannot be evaluated asks nobody: an officer decides (pre-review).
    """
    if material.when is None:
        return True
    try:
        return condition_holds(material.when, form)
    except RuleBroken:
        return False


def _current(
    material: Material, row: StoredRow | None, today: date
) -> Resolution | None:
    """What the row still says for the material, as the item asks for it now."""
    if row is None:
        return None
    resolution = kept.read(row)
    if isinstance(resolution, Resolved) and not resolution.holds_on(today):
        return None
    return resolution if same_wish(material, resolution) else None


def _require_given(
    missing: Iterable[Material],
    looked: Mapping[str, Resolution],
    coming: Collection[str],
) -> None:
    wanting = [
        _told(each, resolution)
        for each in missing
        if each.required
        and each.code not in coming
        and isinstance(resolution := looked[each.code], Unresolved)
    ]
    if wanting:
        raise Conflict(
            "material_source_changed",
            "有材料暂时无法由政府部门自动核查，请上传后再提交，已填内容不会丢失。",
            "A material cannot be had from the authorities now: please upload it, then "
            "hand in again. Nothing is lost.",
            detail={"materials": wanting},
        )


def _told(material: Material, resolution: Unresolved) -> dict[str, Any]:
    zh, en = WORDS[resolution.reason]
    return {
        "code": material.code,
        "name": material.name.model_dump(),
        "reason": resolution.reason.value,
        "zh": zh,
        "en": en,
    }


def _not_asked(material: Material) -> Conflict:
    return Conflict(
        "material_not_asked",
        "该材料由政府部门自动核查，或以申请表代替，无需上传。",
        "The authorities look this material up, or the form stands for it: no upload.",
        detail={"material": material.code, "source": material.source},
    )
