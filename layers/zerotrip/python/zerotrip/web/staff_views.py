"""What an officer reads of a case in words: its task, a document, a scan. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from zerotrip.cases.applicant import DIFFERS
from zerotrip.cases.reviewing import MISSING_MATERIAL
from zerotrip.catalogue.model import Item, Text
from zerotrip.materials.scanning import NOBODY, Outcome
from zerotrip.web import answers

Both = tuple[str, str]

APPLICANT_CHECKS: Mapping[str, Both] = {
    DIFFERS: (
        "申请表中的申请人信息与其现在的实名认证信息不一致，请核对。",
        "The applicant in the form is not the one who is proven now: please check.",
    ),
    "applicant_deceased": (
        "登记信息显示申请人已去世，请核实。",
        "By the register the applicant has died: please verify.",
    ),
    "applicant_deregistered": (
        "登记信息显示申请人已注销，请核实。",
        "By the register the applicant was deregistered: please verify.",
    ),
    "identity_level_too_low": (
        "申请人现在的实名认证级别不足，请先通知其完成核验。",
        "The applicant is not proven well enough now: have the identity verified.",
    ),
    MISSING_MATERIAL: (
        "有必需的材料尚未提交，请核对。",
        "A necessary material is not there: please check.",
    ),
}
"""What `cases.steps` finds before a rule decides."""
_BY_HAND: Both = (
    "系统未能自动核查，请人工核对。",
    "This could not be checked by rule: please look at it.",
)
_SCAN_WORDS: Mapping[Outcome, Both] = {
    Outcome.CLEAN: ("未发现恶意代码", "No malware found"),
    Outcome.INFECTED: ("发现恶意代码", "Malware found"),
    Outcome.UNAVAILABLE: ("未能扫描", "Not scanned"),
}
_UNSCANNED: Both = ("未经扫描（未安装扫描服务）", "Not scanned (no scanner installed)")


def task(data: Mapping[str, Any], item: Item) -> answers.TaskAnswer:
    """A task row's body, each check with its sentence."""
    return {
        "kind": data["kind"],
        "role": data["role"],
        "opened_at": data["opened_at"],
        "checks": [_told(code, item) for code in data.get("checks", ())],
    }


def _told(code: str, item: Item) -> answers.CheckTold:
    zh, en = APPLICANT_CHECKS.get(code, _BY_HAND)
    check = next((each for each in item.checks if each.code == code), None)
    material = item.material(code)
    if check is not None:
        # It failed, or could not be run: either way this is what it asks.
        zh = f"该规则未能自动通过，请人工核对：{check.message.zh}"
        en = f"The rule did not pass by itself, please look at it: {check.message.en}"
    elif material is not None:
        zh = f"材料“{material.name.zh}”是否需要或者是否齐全未能自动判断，请人工核对。"
        en = f"Whether “{material.name.en}” is needed, or there, is for you to see."
    return {"code": code, "zh": zh, "en": en}


def scan(pin: Mapping[str, Any]) -> answers.ScanAnswer | None:
    """What the scanner said of a pinned file; None where none was recorded."""
    said = pin.get("scan")
    if said is None:
        return None
    words = _SCAN_WORDS[Outcome(said["verdict"])]
    if said["scanner"] == NOBODY:
        words = _UNSCANNED
    return cast(
        answers.ScanAnswer,
        {
            "scanner": said["scanner"],
            "version": said["version"],
            "verdict": said["verdict"],
            "verdict_name": {"zh": words[0], "en": words[1]},
            "scanned_at": said.get("at"),
        },
    )


def fields(
    document: Mapping[str, Any], labels: Mapping[str, Text]
) -> list[answers.Labelled]:
    """A provider's document in words; a field without a label shows its own name."""
    return [
        {"label": _label(name, labels), "value": _value(value, labels)}
        for name, value in document.items()
    ]


def _label(name: str, labels: Mapping[str, Text]) -> answers.Text:
    known = labels.get(name)
    if known is None:
        return {"zh": f"其他（{name}）", "en": name}
    return {"zh": known.zh, "en": known.en}


def _value(value: Any, labels: Mapping[str, Text]) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if value is None:
        return "无"
    if isinstance(value, list):
        apart = "；" if any(isinstance(each, dict) for each in value) else "、"
        return apart.join(_value(each, labels) for each in value)
    if isinstance(value, dict):
        return "，".join(_parts(value, labels))
    return str(value)


def _parts(value: Mapping[str, Any], labels: Mapping[str, Text]) -> Iterator[str]:
    for name, each in value.items():
        yield f"{_label(name, labels)['zh']}：{_value(each, labels)}"
