"""Ask only once: what the state already has is asked of no one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from zerotrip.catalogue.lint.findings import Finding, Surroundings
from zerotrip.catalogue.model import Item

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|【[^】]*】|〔[^〕]*〕|《|》|“|”")
_SEPARATORS = re.compile(r"[、,;/|+]|以及|或者|和|及|与|或")
_COPY = re.compile(
    r"(彩色)?(原件|复印件|影印件|扫描件|电子版|电子件|照片|正反面|正副本|正本|副本|"
    r"一式[一二两三四五]份|[0-9一二两三]份|一份)+"
)
_WHOSE = re.compile(
    r"^(申请人|申请单位|本人|法定代表人|法人代表|法人|负责人|经办人|代理人|委托代理人|"
    r"企业|单位|公司|车主|当事人|所有人|有效的?|合法的?)+的?"
)


def material_already_held(item: Item, around: Surroundings) -> Iterator[Finding]:
    """A file is asked of the applicant which register or provider already has."""
    held = _held(item, around)
    for position, material in enumerate(item.materials):
        if material.source != "upload":
            continue
        for part in _parts(material.name.zh):
            if part in held:
                zh, en = held[part]
                yield Finding(
                    f"/materials/{position}",
                    "material_already_held",
                    f"“{material.name.zh}”{zh}，不得再要求申请人提交。",
                    f"“{material.name.en}” must not be asked for: {en}.",
                )
                break


def _held(item: Item, around: Surroundings) -> dict[str, tuple[str, str]]:
    """Plain names of what is there, and in which words one says so."""
    found: dict[str, tuple[str, str]] = {}
    for shared in around.shared.values():
        words = (
            f"已列入证明材料共享目录（{shared.code}），应改为source: shared",
            f"it is the shared material {shared.code}; use source: shared",
        )
        for name in (shared.name.zh, *shared.aliases):
            found[_plain(name)] = words
    for type_code, title in around.licence_types(item).items():
        words = (
            f"电子证照库已有（{type_code}），应改为source: licence",
            f"the register has it ({type_code}); use source: licence",
        )
        found.setdefault(_plain(title.zh), words)
    return found


def _parts(name: str) -> Iterator[str]:
    """Each paper that a name puts together, and the name as a whole."""
    yield _plain(name)
    bare = _BRACKETS.sub("", unicodedata.normalize("NFKC", name))
    for part in _SEPARATORS.split(bare):
        yield _plain(part)


def _plain(name: str) -> str:
    """The name without brackets, spaces, copy or original, and whose it is."""
    text = unicodedata.normalize("NFKC", name)
    text = _BRACKETS.sub("", text)
    text = re.sub(r"\s", "", text)
    text = _COPY.sub("", text)
    # A name that is nothing but an owner keeps its words.
    return _WHOSE.sub("", text) or text
