"""What changed between two revisions of an item, in words that a person reads. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from zerotrip.catalogue.guide import IDENTITY
from zerotrip.catalogue.pointers import join
from zerotrip.identity.model import Level

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item

Kind = Literal["added", "removed", "changed"]
_QUIET = frozenset({"revision", "base_digest"})
"""Said beside the changes, or a consequence of them."""
_NAMES: dict[str, tuple[str, str]] = {
    "code": ("实施编码", "item code"),
    "base_code": ("基本编码", "base code"),
    "name": ("事项名称", "name"),
    "audience": ("服务对象", "audience"),
    "identity_level": ("实名认证要求", "identity level"),
    "organisation": ("实施主体", "organisation"),
    "department": ("承办部门", "department"),
    "department_name": ("承办部门名称", "name of the department"),
    "themes": ("主题", "themes"),
    "channels": ("办理渠道", "channels"),
    "scope": ("通办范围", "scope"),
    "legal_basis": ("设定依据", "legal basis"),
    "conditions": ("受理条件", "conditions"),
    "statutory_working_days": ("法定办结时限", "statutory working days"),
    "promised_working_days": ("承诺办结时限", "promised working days"),
    "visits": ("到场次数", "visits"),
    "not_online": ("负面清单", "negative list"),
    "deviations": ("差异说明", "deviations"),
    "flagged_codes": ("放行的历史代码", "flagged codes"),
    "form": ("表单", "form"),
    "sections": ("表单分区", "sections of the form"),
    "materials": ("申请材料", "material"),
    "checks": ("预审规则", "check"),
    "route": ("办理路线", "route"),
    "fee": ("收费", "fee"),
    "courier_charge": ("寄递费用", "courier's charge"),
    "addressee_path": ("收寄件人位置", "addressee"),
    "applicant": ("申请人", "applicant"),
    "remedies": ("救济途径", "remedies"),
    "licence": ("证照", "licence"),
}

_APPLICANT_NAMES = {
    "name_path": ("申请人姓名（名称）的位置", "place of the applicant's name"),
    "number_path": ("申请人证件号码的位置", "place of the applicant's number"),
    "telephone_path": ("申请人手机号码的位置", "place of the applicant's telephone"),
    "representative_path": (
        "法定代表人（负责人、经营者）的位置",
        "place of the legal representative",
    ),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change: pointer (materials and checks by code), kind, both sentences."""

    path: str
    kind: Kind
    zh: str
    en: str


def diff(before: Item, after: Item) -> tuple[Change, ...]:
    """Every change from one to the other, in the order of an item's fields."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    found: list[Change] = []
    for name in old:
        if name not in _QUIET and old[name] != new[name]:
            tell = _TELLING.get(name, _any)
            found += tell(name, old[name], new[name])
    return tuple(found)


def _any(name: str, old: Any, new: Any) -> Iterator[Change]:
    yield from _walk(f"/{name}", _NAMES[name], old, new)


def _days(name: str, old: int, new: int) -> Iterator[Change]:
    zh, en = _NAMES[name]
    yield Change(
        f"/{name}",
        "changed",
        f"{zh}由{old}个工作日改为{new}个工作日。",
        f"{en.capitalize()}: from {old} to {new}.",
    )


def _level(name: str, old: str, new: str) -> Iterator[Change]:
    (old_zh, old_en), (new_zh, new_en) = (IDENTITY[Level(each)] for each in (old, new))
    zh, en = _NAMES[name]
    yield Change(
        f"/{name}",
        "changed",
        f"{zh}由“{old_zh}”改为“{new_zh}”。",
        f"{en.capitalize()}: from “{old_en}” to “{new_en}”.",
    )


def _applicant(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    for key, (zh, en) in _APPLICANT_NAMES.items():
        if old[key] != new[key]:
            yield from _walk(f"/{name}/{key}", (zh, en), old[key], new[key])
    if old["own_from_age"] != new["own_from_age"]:
        yield Change(
            f"/{name}/own_from_age",
            "changed",
            f"本人申请的年龄由年满{old['own_from_age']}周岁改为"
            f"年满{new['own_from_age']}周岁。",
            f"One applies oneself from the age of {new['own_from_age']}, not "
            f"{old['own_from_age']}.",
        )
    if old["agents_allowed"] != new["agents_allowed"]:
        zh, en = (
            ("改为可以委托他人代办。", "Agents may apply from now on.")
            if new["agents_allowed"]
            else ("改为不得委托他人代办。", "Agents may no longer apply.")
        )
        yield Change(f"/{name}/agents_allowed", "changed", zh, en)
    if old["guardians_allowed"] != new["guardians_allowed"]:
        zh, en = (
            ("改为监护人可以在网上代为申请。", "Guardians may apply online.")
            if new["guardians_allowed"]
            else (
                "改为监护人不得在网上代为申请，须陪同到窗口办理。",
                "Guardians no longer apply online; they come along to a window.",
            )
        )
        yield Change(f"/{name}/guardians_allowed", "changed", zh, en)


def _coded(name: str, old: list[Any], new: list[Any]) -> Iterator[Change]:
    zh, en = _NAMES[name]
    before = {each["code"]: each for each in old}
    after = {each["code"]: each for each in new}
    for code, entry in before.items():
        title_zh, title_en = _title(entry)
        if code not in after:
            yield Change(
                f"/{name}/{code}",
                "removed",
                f"取消{zh}“{title_zh}”。",
                f"Removed {en} “{title_en}”.",
            )
        elif entry != after[code]:
            yield from _walk(
                f"/{name}/{code}",
                (f"{zh}“{title_zh}”", f"{en} “{title_en}”"),
                entry,
                after[code],
            )
    for code, entry in after.items():
        if code not in before:
            title_zh, title_en = _title(entry)
            yield Change(
                f"/{name}/{code}",
                "added",
                f"新增{zh}“{title_zh}”。",
                f"Added {en} “{title_en}”.",
            )
    if list(before) != list(after) and set(before) == set(after):
        yield Change(
            f"/{name}", "changed", f"{zh}的顺序有变化。", f"The order of {en}s changed."
        )


def _form(name: str, old: dict[str, Any], new: dict[str, Any]) -> Iterator[Change]:
    yield from _walk(f"/{name}", _NAMES[name], old, new, _field_title)


def _title(entry: Mapping[str, Any]) -> tuple[str, str]:
    name = entry.get("name")
    if isinstance(name, dict):
        return name["zh"], name["en"]
    return entry["code"], entry["code"]


def _field_title(value: Any) -> tuple[str, str] | None:
    if isinstance(value, dict) and "title" in value and "x-en" in value:
        return f"字段“{value['title']}”", f"field “{value['x-en']}”"
    return None


def _walk(
    path: str,
    words: tuple[str, str],
    old: Any,
    new: Any,
    title: Callable[[Any], tuple[str, str] | None] = lambda _: None,
) -> Iterator[Change]:
    """Down mappings to what differs; a list, or what is new or gone, is one change."""
    zh, en = words
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            there = new.get(key)
            here = old.get(key)
            if here == there:
                continue
            named = title(there) or title(here)
            deeper = named or (f"{zh}·{key}", f"{en} {key}")
            # The key that leads to a field says nothing once the field is named.
            inner = words if key == "properties" and not named else deeper
            yield from _walk(path + join([key]), inner, here, there, title)
        return
    if old is None:
        yield Change(
            path, "added", f"新增{zh}{_said(new)}。", f"Added {en}{_told(new)}."
        )
    elif new is None:
        yield Change(path, "removed", f"取消{zh}。", f"Removed {en}.")
    else:
        yield Change(
            path,
            "changed",
            f"{zh}由{_plain(old)}改为{_plain(new)}。",
            f"{en[0].upper()}{en[1:]}: from {_plain(old)} to {_plain(new)}.",
        )


def _said(value: Any) -> str:
    return f"：{_plain(value)}" if _is_short(value) else ""


def _told(value: Any) -> str:
    return f": {_plain(value)}" if _is_short(value) else ""


def _is_short(value: Any) -> bool:
    return isinstance(value, str | int | float) and len(str(value)) <= 80


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "是(true)" if value else "否(false)"
    if isinstance(value, list):
        return "、".join(_plain(each) for each in value) or "(-)"
    if isinstance(value, dict):
        return str(value.get("zh") or value.get("code") or "{…}")
    return f"“{value}”" if isinstance(value, str) else str(value)


_TELLING: dict[str, Callable[[str, Any, Any], Iterator[Change]]] = {
    "materials": _coded,
    "checks": _coded,
    "statutory_working_days": _days,
    "promised_working_days": _days,
    "form": _form,
    "identity_level": _level,
    "applicant": _applicant,
}
