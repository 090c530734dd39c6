"""The same base code says the same everywhere (同一事项、同一标准)."""

from __future__ import annotations

from collections.abc import Iterator

from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item, LegalBasis


def name_differs(item: Item, around: Surroundings) -> Iterator[Finding]:
    """The name differs from the base entry's, or from another place's."""
    base = around.bases.get(item.base_code)
    if base is not None and base.name.zh != item.name.zh:
        yield Finding(
            "/name",
            "base_name_differs",
            f"事项名称与目录清单“{base.name.zh}”不一致。",
            f"The name differs from the base entry's, {base.name.en}.",
        )
        return
    for other in _same_base(item, around):
        if other.name.zh != item.name.zh:
            yield Finding(
                "/name",
                "base_name_differs",
                f"基本编码相同的{other.code}名称为“{other.name.zh}”。",
                f"{other.code} has the same base code and is named {other.name.en}.",
            )


def type_differs(item: Item, around: Surroundings) -> Iterator[Finding]:
    """The base entry's type is not what its code says."""
    base = around.bases.get(item.base_code)
    if base is not None and base.type != item.type:
        yield Finding(
            "/base_code",
            "base_type_differs",
            f"目录清单的事项类型为{base.type}，与基本编码不一致。",
            f"The base entry says type {base.type}, which its code does not.",
        )


def legal_basis_differs(item: Item, around: Surroundings) -> Iterator[Finding]:
    """The legal basis differs from the base entry's, or from another place's."""
    base = around.bases.get(item.base_code)
    own = _bases(item.legal_basis)
    if base is not None and _bases(base.legal_basis) != own:
        yield Finding(
            "/legal_basis",
            "base_legal_basis_differs",
            "设定依据与目录清单不一致。",
            "The legal basis differs from the base entry's.",
        )
        return
    for other in _same_base(item, around):
        if _bases(other.legal_basis) != own:
            yield Finding(
                "/legal_basis",
                "base_legal_basis_differs",
                f"设定依据与基本编码相同的{other.code}不一致。",
                f"The legal basis differs from {other.code}, which has the same base.",
            )


def level_differs(item: Item, around: Surroundings) -> Iterator[Finding]:
    """The level is not among the base entry's; without one, places differ."""
    base = around.bases.get(item.base_code)
    if base is not None:
        if item.level not in base.levels:
            levels = "、".join(base.levels)
            yield Finding(
                "/code",
                "base_level_differs",
                f"行使层级{item.level}不在目录清单所列层级（{levels}）之内。",
                f"Level {item.level} is not among the base entry's: {levels}.",
            )
        return
    for other in _same_base(item, around):
        if other.level != item.level:
            yield Finding(
                "/code",
                "base_level_differs",
                f"基本编码相同的{other.code}行使层级为{other.level}。",
                f"{other.code} has the same base code and level {other.level}.",
            )


def _same_base(item: Item, around: Surroundings) -> Iterator[Item]:
    for other in around.items:
        if other.base_code == item.base_code and other.code != item.code:
            yield other


def _bases(bases: tuple[LegalBasis, ...]) -> set[tuple[str, str | None]]:
    return {(each.zh, each.article) for each in bases}
