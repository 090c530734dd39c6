"""What several examples show: one applicant, one item, one case."""

from __future__ import annotations

from typing import Any

from zerotrip.web.route import PARAMETERS

Json = dict[str, Any]
CASE_NO = PARAMETERS["case_no"].example
ITEM_CODE = PARAMETERS["item_code"].example
LICENCE_ID = PARAMETERS["licence_id"].example
APPLICATION_ID = PARAMETERS["application_id"].example
BILL_ID = "44188201J8ZQ4T6M2V0K9H7G5F3D1C8B"
SHIPMENT_ID = "4418827QX2R9W4T6M1V8K3H5G0F2D7C9"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
QUERY_CODE = "7K2M9QXB"
ITEM_NAME: Json = {
    "zh": "补领机动车行驶证",
    "en": "Replacement of a vehicle licence",
}
ISSUER: Json = {
    "uscc": "11441882007000001K",
    "name": {
        "zh": "示例县公安局交通警察大队",
        "en": "Traffic Police of Example County",
    },
}
FORM: Json = {
    "owner": {
        "name": "张示例",
        "citizen_number": "11010519491231002X",
        "telephone": "13800000000",
    },
    "vehicle": {"plate": "粤RZZ999"},
}


def stage_of(stage: str, zh: str, en: str) -> Json:
    """A stage with its name in both languages."""
    return {"stage": stage, "stage_name": {"zh": zh, "en": en}}


PRESENT: Json = {
    "level": "present",
    "level_name": {"zh": "已实名认证（本人核验）", "en": "proven in person"},
}
POWER_ID = PARAMETERS["power_id"].example
POWER: Json = {
    "power_id": POWER_ID,
    "office": "agent",
    "office_name": {"zh": "代理人", "en": "agent"},
    "acts": ["apply", "pay"],
    "item_code": ITEM_CODE,
    "items": None,
    "case_no": None,
    "source": "consent",
    "state": "offered",
    "holds": False,
    "because": "offered",
    "because_words": {
        "zh": "该委托尚未被接受，请先接受委托。",
        "en": "This authorisation was not accepted yet: accept it first.",
    },
    "accept_until": "2026-11-28T07:00:00.000Z",
    "starts_at": "2026-11-21T07:00:00.000Z",
    "ends_at": "2026-12-21T07:00:00.000Z",
    "principal": {"kind": "natural", "name": "张示例"},
    "agent": None,
}
GRANTED: Json = {
    "act": "grant",
    "act_name": {"zh": "准予许可", "en": "Granted"},
    "by": "officer",
    "reasons": {"zh": "材料齐全，符合法定条件。", "en": None},
    "articles": [
        {
            "zh": "《机动车登记规定》第五十九条",
            "en": "Provisions on the Registration of Motor Vehicles, article 59",
        }
    ],
    "decided_at": "2026-11-21T08:20:00.000Z",
    "by_organisation": ISSUER,
    "remedies": None,
}
IN_REVIEW = stage_of("in_review", "审查中", "In review")
TIMELINE: list[Json] = [
    {
        "seq": 1,
        "event": "case.received",
        "time": "2026-11-21T08:00:00.000Z",
        "zh": "已收到申请",
        "en": "Application received",
    },
    {
        "seq": 2,
        "event": "case.submitted",
        "time": "2026-11-21T08:00:01.120Z",
        "zh": "开始预审",
        "en": "Checks started",
    },
]
NAMES: Json = {
    "case_no": CASE_NO,
    "item_code": ITEM_CODE,
    "item_name": ITEM_NAME,
    "received_at": "2026-11-21T08:00:00.000Z",
}
SLOT: Json = {
    "code": "identity_card",
    "name": {"zh": "申请人身份证", "en": "The applicant's identity card"},
    "state": "received",
    "content_type": "image/jpeg",
    "size_bytes": 204800,
    "issued_at": "2026-11-21T07:50:00.000Z",
    "sha256": SHA256,
    "reason": None,
    "scanner": "clamav",
    "reused": None,
}
OPEN_SLOT: Json = {**SLOT, "state": "open", "sha256": None, "scanner": None}
PURPOSE = "用于申请补领机动车行驶证"
STORED_FILE: Json = {
    "sha256": SHA256,
    "content_type": "image/jpeg",
    "size_bytes": 204800,
    "received_at": "2026-11-21T07:50:00.000Z",
    "scanner": "clamav",
    "used_as": [
        {
            "material": "identity_card",
            "name": SLOT["name"],
            "item_code": ITEM_CODE,
            "item_name": ITEM_NAME,
            "at": "2026-11-21T07:50:00.000Z",
        }
    ],
}
SUMMARY: Json = {
    "application_id": APPLICATION_ID,
    "version": 3,
    "item_code": ITEM_CODE,
    "item_name": ITEM_NAME,
    "state": "open",
    "created_at": "2026-11-21T07:40:00.000Z",
    "updated_at": "2026-11-21T07:55:00.000Z",
    "expires_at": "2026-12-21T07:55:00.000Z",
    "case_no": None,
}
TASK: Json = {
    "kind": "decision",
    "role": "officer",
    "opened_at": "2026-11-21T08:00:02.500Z",
    "checks": [
        {
            "code": "applicant_differs",
            "zh": "申请表中的申请人信息与其现在的实名认证信息不一致，请核对。",
            "en": "The applicant in the form is not the one who is proven now: "
            "please check.",
        }
    ],
}
ISSUED: Json = {
    "licence_id": LICENCE_ID,
    "state": "valid",
    "title": {"zh": "机动车行驶证", "en": "Vehicle licence"},
    "issuer": ISSUER,
    "issued_at": "2026-11-21T08:05:00.000Z",
    "valid_until": None,
}
DEFECT: Json = {
    "path": "/materials/floor_plan",
    "code": "officer_found",
    "message": {
        "zh": "平面图上看不清各功能区。",
        "en": "The areas cannot be told apart on the floor plan.",
    },
    "remedy": {"zh": "请上传清晰的图纸。", "en": "Please upload a clear one."},
}
