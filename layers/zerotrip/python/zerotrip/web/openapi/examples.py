"""One or more examples of each body. Synthetic: nobody has these names and numbers."""

from __future__ import annotations

from typing import Any

from zerotrip.web.gateway import GatewayRefusal
from zerotrip.web.openapi.codes import Known
from zerotrip.web.problems import TITLES, TYPE_PREFIX
from zerotrip.web.route import PARAMETERS

Json = dict[str, Any]

CASE_NO = PARAMETERS["case_no"].example
ITEM_CODE = PARAMETERS["item_code"].example
LICENCE_ID = PARAMETERS["licence_id"].example
APPLICATION_ID = PARAMETERS["application_id"].example
BILL_ID = "44188201J8ZQ4T6M2V0K9H7G5F3D1C8B"
SHIPMENT_ID = "4418827QX2R9W4T6M1V8K3H5G0F2D7C9"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_ITEM_NAME: Json = {
    "zh": "补领机动车行驶证",
    "en": "Replacement of a vehicle licence",
}
_ISSUER: Json = {
    "uscc": "11441882007000001K",
    "name": {
        "zh": "示例县公安局交通警察大队",
        "en": "Traffic Police of Example County",
    },
}
_FORM: Json = {
    "owner": {
        "name": "张示例",
        "citizen_number": "11010519491231002X",
        "telephone": "13800000000",
    },
    "vehicle": {"plate": "粤RZZ999"},
}


def _stage(stage: str, zh: str, en: str) -> Json:
    return {"stage": stage, "stage_name": {"zh": zh, "en": en}}


_IN_REVIEW = _stage("in_review", "审查中", "In review")
_TIMELINE: list[Json] = [
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
_NAMES: Json = {
    "case_no": CASE_NO,
    "item_code": ITEM_CODE,
    "item_name": _ITEM_NAME,
    "received_at": "2026-11-21T08:00:00.000Z",
}
_SLOT: Json = {
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
_OPEN_SLOT: Json = {**_SLOT, "state": "open", "sha256": None, "scanner": None}
_PURPOSE = "用于申请补领机动车行驶证"
_STORED_FILE: Json = {
    "sha256": SHA256,
    "content_type": "image/jpeg",
    "size_bytes": 204800,
    "received_at": "2026-11-21T07:50:00.000Z",
    "scanner": "clamav",
    "used_as": [
        {
            "material": "identity_card",
            "name": _SLOT["name"],
            "item_code": ITEM_CODE,
            "item_name": _ITEM_NAME,
            "at": "2026-11-21T07:50:00.000Z",
        }
    ],
}
_SUMMARY: Json = {
    "application_id": APPLICATION_ID,
    "version": 3,
    "item_code": ITEM_CODE,
    "item_name": _ITEM_NAME,
    "state": "open",
    "created_at": "2026-11-21T07:40:00.000Z",
    "updated_at": "2026-11-21T07:55:00.000Z",
    "expires_at": "2026-12-21T07:55:00.000Z",
    "case_no": None,
}
_TASK: Json = {
    "kind": "decision",
    "role": "officer",
    "opened_at": "2026-11-21T08:00:02.500Z",
    "checks": [],
}
_ISSUED: Json = {
    "licence_id": LICENCE_ID,
    "state": "valid",
    "title": {"zh": "机动车行驶证", "en": "Vehicle licence"},
    "issuer": _ISSUER,
    "issued_at": "2026-11-21T08:05:00.000Z",
    "valid_until": None,
}

_DEFECT: Json = {
    "path": "/materials/floor_plan",
    "code": "officer_found",
    "message": {
        "zh": "平面图上看不清各功能区。",
        "en": "The areas cannot be told apart on the floor plan.",
    },
    "remedy": {"zh": "请上传清晰的图纸。", "en": "Please upload a clear one."},
}

_ASKED: dict[str, Json] = {
    "Login": {
        "wechat_mini_program": {
            "provider": "wechat_mini_program",
            "code": "0a3Xyz0w3Example1M2N3O4P",
        },
        "oidc": {
            "provider": "oidc",
            "code": "SplxlOBeZQQYbYS6WxSbIA",
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "nonce": "n-0S6_WzA2Mj",
            "redirect_uri": "https://h5.zerotrip.example/signed-in",
        },
    },
    "Refresh": {
        "refresh": {"refresh_token": "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgdG9rZW4"}
    },
    "NewApplication": {"vehicle_licence": {"item_code": ITEM_CODE}},
    "SavedForm": {"form": {"form": _FORM}},
    "Submission": {
        "complete": {},
        "promise": {"promised": ["floor_plan"]},
    },
    "NewCorrections": {
        "form": {"form": _FORM},
        "promise_kept": {},
    },
    "NewNotice": {
        "defect": {"defects": [_DEFECT]},
        "late": {
            "defects": [_DEFECT],
            "late_reason": {
                "code": "overlooked",
                "text": "首次告知时未核对平面图，现场核查时发现。",
            },
        },
    },
    "NewMaterial": {
        "photograph": {
            "material": "identity_card",
            "content_type": "image/jpeg",
            "size_bytes": 204800,
        }
    },
    "NewReuse": {
        "photograph": {"sha256": SHA256, "purpose": _PURPOSE, "consent": True}
    },
    "Nothing": {"nothing": {}},
    "NewPayment": {"wechat_pay": {"channel": "wechat_pay", "bill_id": BILL_ID}},
    "NewDecision": {
        "approve": {"decision": "approve", "reasons": "材料齐全，符合法定条件。"},
        "refuse": {"decision": "refuse", "reasons": "经营场所不符合要求。"},
    },
    "ItemFiles": {
        "folder": {
            "files": {
                "street-stall-permit/item.yaml": "code: ...",
                "street-stall-permit/example.yaml": "form: ...",
            }
        }
    },
    "ItemReview": {
        "agrees": {"agrees": True, "reasons": "职责清楚，依据充分。"},
        "returned": {"agrees": False, "reasons": "收费依据已废止，请核对。"},
    },
    "ItemPublication": {"day": {"effective_on": "2026-12-01"}},
    "Callback": {
        "courier": {
            "type": "parcel.status_changed",
            "timestamp": "2026-11-23T02:10:00Z",
            "data": {
                "order_id": SHIPMENT_ID,
                "waybill": "ZT0000000000001",
                "status": "DELIVERED",
                "occurred_at": "2026-11-23T02:10:00Z",
            },
        },
        "wechat_pay": {
            "id": "EV-2026112108030000001",
            "create_time": "2026-11-21T16:03:00+08:00",
            "event_type": "TRANSACTION.SUCCESS",
            "resource_type": "encrypt-resource",
            "summary": "支付成功",
            "resource": {
                "algorithm": "AEAD_AES_256_GCM",
                "original_type": "transaction",
                "associated_data": "transaction",
                "nonce": "fdasflkja484",
                "ciphertext": "c2VhbGVkIGZvciBleGFtcGxlIG9ubHk=",
            },
        },
    },
}

_FINDING: Json = {
    "code": "promise_longer_than_law",
    "severity": "error",
    "path": "street-stall-permit/item.yaml:21 /promised_working_days",
    "zh": "承诺办结时限不得长于法定办结时限。",
    "en": "The promised working days exceed the statutory ones.",
}
_ANSWERED: dict[str, Json] = {
    "SessionAnswer": {
        "token_type": "Bearer",
        "access_token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJleGFtcGxlIn0.c2lnbmF0dXJl",
        "expires_in_seconds": 900,
        "refresh_token": "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgdG9rZW4",
        "subject": {"kind": "natural", "level": "L1"},
        "roles": ["citizen"],
    },
    "ApplicationsAnswer": {"applications": [_SUMMARY]},
    "ApplicationAnswer": {
        **_SUMMARY,
        "item_changed": True,
        "item_changes": [
            {
                "path": "/promised_working_days",
                "zh": "承诺办结时限由5个工作日改为3个工作日。",
                "en": "The promise goes from 5 working days to 3.",
            }
        ],
        "form": _FORM,
        "materials": [_SLOT],
        "sources": [
            {
                "code": "household_registration",
                "name": {"zh": "户口簿", "en": "Household registration"},
                "source": "shared",
                "state": "resolved",
                "provider": "population",
                "valid_until": "2026-12-21",
                "reason": None,
            },
            {
                "code": "vehicle_registration",
                "name": {"zh": "机动车登记证书", "en": "Vehicle registration"},
                "source": "licence",
                "state": "upload",
                "provider": None,
                "valid_until": None,
                "reason": {
                    "code": "not_found",
                    "zh": "有关部门没有查到您的记录，请上传该材料。",
                    "en": "The authority has no record of yours: please upload it.",
                },
            },
        ],
        "offered": {
            "/owner/telephone": {
                "value": "13800000000",
                "from_item": ITEM_CODE,
                "item_name": _ITEM_NAME,
                "at": "2026-11-20T03:10:00.000Z",
            }
        },
    },
    "UploadAnswer": {
        "slot": _OPEN_SLOT,
        "upload": {
            "url": "https://uploads.zerotrip.example/",
            "fields": {
                "key": f"441882/APP/{APPLICATION_ID}/identity_card/"
                "7H5G3F1D0C84T8RZ6Q0V2M1K9J",
                "Content-Type": "image/jpeg",
                "policy": "ZXhhbXBsZQ==",
                "x-amz-signature": "00000000",
            },
            "expires_in_seconds": 600,
        },
    },
    "VaultAnswer": {"files": [_STORED_FILE]},
    "ReuseAnswer": {
        "slot": {
            **_SLOT,
            "reused": {
                "sha256": SHA256,
                "purpose": _PURPOSE,
                "consent_at": "2026-11-21T08:00:00.000Z",
            },
        },
        "valid_until": "2027-05-21",
    },
    "SubmissionAnswer": {
        "case_no": CASE_NO,
        **_stage("received", "已收件", "Received"),
    },
    "CasesAnswer": {
        "cases": [
            {
                **_NAMES,
                **_stage("payment_due", "待缴费", "Payment due"),
                "asked_of_me": ["payment"],
            }
        ]
    },
    "CaseAnswer": {
        **_NAMES,
        **_stage("payment_due", "待缴费", "Payment due"),
        "version": 5,
        "obligations": ["payment"],
        "asked_of_me": [
            {
                "obligation": "payment",
                "zh": "请缴纳费用。",
                "en": "Please pay the fee.",
                "ref": BILL_ID,
            }
        ],
        "promised": [],
        "grounds": [],
        "timeline": _TIMELINE,
        "bills": [
            {
                "bill_id": BILL_ID,
                "stage": "opened",
                "kind": "fee",
                "amount_fen": 1500,
            }
        ],
        "shipments": [
            {
                "shipment_id": SHIPMENT_ID,
                "stage": "dispatched",
                "direction": "delivery",
                "waybill": "ZT0000000000001",
            }
        ],
        "licence_id": None,
    },
    "CaseMoved": {
        "case_no": CASE_NO,
        "version": 6,
        **_stage("withdrawn", "已撤回", "Withdrawn"),
        "event": "case.withdrawn",
        "time": "2026-11-21T09:00:00.000Z",
    },
    "PaymentAnswer": {
        "bill_id": BILL_ID,
        "channel": "wechat_pay",
        "amount_fen": 1500,
        "currency": "CNY",
        "parameters": {
            "timeStamp": "1795248180",
            "nonceStr": "5K8264ILTKCH16CQ2502SI8ZNMTM67VS",
            "package": "prepay_id=wx21080300000000example",
            "signType": "RSA",
            "paySign": "ZXhhbXBsZQ==",
        },
    },
    "NoticesAnswer": {
        "notices": [
            {
                "id": PARAMETERS["notice_id"].example,
                "type": "bill.opened",
                "case_no": CASE_NO,
                "about": {"kind": "bill", "id": BILL_ID},
                "title": {"zh": "待缴费", "en": "Payment due"},
                "text": {
                    "zh": "您申请的“补领机动车行驶证”需缴纳15.00元。",
                    "en": "Please pay 15.00 yuan for your vehicle licence.",
                },
                "occurred_at": "2026-11-21T08:00:05.000Z",
                "sent_at": "2026-11-21T08:00:06.000Z",
                "read": False,
                "read_at": None,
            }
        ]
    },
    "LicenceAnswer": {
        **_ISSUED,
        "case_no": CASE_NO,
        "item_code": ITEM_CODE,
        "sha256": SHA256,
    },
    "WorklistAnswer": {"tasks": [{**_NAMES, **_IN_REVIEW, "task": _TASK}]},
    "StaffCaseAnswer": {
        **_NAMES,
        **_IN_REVIEW,
        "version": 3,
        "obligations": ["decision"],
        "timeline": _TIMELINE,
        "licence_id": None,
        "form": _FORM,
        "materials": [
            {
                "code": "identity_card",
                "name": _SLOT["name"],
                "source": "upload",
                "content_type": "image/jpeg",
                "size_bytes": 204800,
                "sha256": SHA256,
                "download_url": "https://uploads.zerotrip.example/441882/APP/example",
                "reference": None,
                "valid_until": None,
                "document": None,
            }
        ],
        "promised": [],
        "task": _TASK,
    },
    "DecisionAnswer": {
        "case_no": CASE_NO,
        "version": 4,
        "decision": "approve",
        **_stage("decided", "已作出决定", "Decided"),
        "recorded_at": "2026-11-21T08:30:00.000Z",
    },
    "KeysAnswer": {
        "keys": [
            {
                "kty": "EC",
                "crv": "P-256",
                "use": "sig",
                "alg": "ES256",
                "kid": "example",
                "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
            }
        ]
    },
    "ItemsAnswer": {
        "items": [
            {
                "item_code": ITEM_CODE,
                "revision": 1,
                "name": _ITEM_NAME,
                "audience": "person",
                "organisation": _ISSUER,
                "department": "vehicle-office",
                "department_name": {"zh": "车辆管理所", "en": "Vehicle office"},
                "themes": ["vehicle"],
                "promised_working_days": 1,
                "visits": 0,
            }
        ],
        "total": 1,
        "next": None,
    },
    "ItemAnswer": {
        "item_code": ITEM_CODE,
        "base_code": "000109012000",
        "revision": 1,
        "name": _ITEM_NAME,
        "audience": "person",
        "organisation": {
            **_ISSUER,
            "complaint_telephone": "0763-12345",
            "enquiry_telephone": None,
            "address": None,
            "hours": None,
        },
        "department": "vehicle-office",
        "department_name": {"zh": "车辆管理所", "en": "Vehicle office"},
        "themes": [],
        "channels": ["mobile"],
        "scope": "county",
        "legal_basis": [
            {
                "zh": "《中华人民共和国道路交通安全法》",
                "en": "Road Traffic Safety Law",
                "article": None,
            }
        ],
        "conditions": [],
        "statutory_working_days": 1,
        "promised_working_days": 0,
        "visits": 0,
        "form": {
            "type": "object",
            "required": ["owner"],
            "properties": {
                "owner": {
                    "type": "object",
                    "title": "机动车所有人",
                    "x-en": "Owner",
                    "required": ["name"],
                    "properties": {
                        "name": {"type": "string", "title": "姓名", "x-en": "Name"}
                    },
                }
            },
        },
        "sections": [
            {
                "title": {"zh": "所有人", "en": "Owner"},
                "fields": ["/owner/name"],
            }
        ],
        "materials": [
            {
                "code": "identity_card",
                "name": _SLOT["name"],
                "required": True,
                "source": "upload",
                "conditional": False,
                "may_follow_working_days": None,
                "reusable_months": None,
                "originals": 0,
                "copies": 0,
                "types": ["image/jpeg", "image/png"],
                "max_bytes": 5242880,
                "note": None,
            }
        ],
        "route": {
            "decided_by": "rule",
            "papers_by_courier": False,
            "deliver_by_courier": True,
        },
        "fee": {
            "code": "vehicle_licence_fee",
            "name": {"zh": "行驶证工本费", "en": "Fee for the licence"},
            "amount_fen": 1500,
            "legal_basis": "示例：按发布的收费标准",
        },
        "courier_charge": None,
        "licence": {
            "title": {"zh": "机动车行驶证", "en": "Vehicle licence"},
            "valid_months": None,
        },
    },
    "GuideAnswer": {
        "item_code": ITEM_CODE,
        "base_code": "000109012000",
        "revision": 1,
        "name": _ITEM_NAME,
        "audience": {"zh": "自然人", "en": "Persons"},
        "organisation": _ISSUER["name"],
        "department": {"zh": "车辆管理所", "en": "Vehicle office"},
        "scope": {"zh": "本县通办", "en": "Anywhere in the county"},
        "channels": [{"zh": "掌上办理（手机）", "en": "Online, on a telephone"}],
        "legal_basis": [
            {
                "zh": "《中华人民共和国道路交通安全法》",
                "en": "Road Traffic Safety Law",
                "article": None,
            }
        ],
        "conditions": [],
        "materials": [
            {
                "code": "identity_card",
                "name": _SLOT["name"],
                "source": {"zh": "申请人上传", "en": "Uploaded by the applicant"},
                "required": True,
                "conditional": False,
                "may_follow_working_days": None,
                "originals": 0,
                "copies": 0,
                "note": None,
            }
        ],
        "route": [
            {
                "zh": "网上申请，即时取得办件编号",
                "en": "Apply online; the case number comes at once",
            }
        ],
        "fee": {
            "name": {"zh": "行驶证工本费", "en": "Fee for the licence"},
            "amount_fen": 1500,
            "legal_basis": "示例：按发布的收费标准",
        },
        "courier_charge": None,
        "statutory_working_days": 1,
        "promised_working_days": 0,
        "visits": 0,
        "result": {
            "title": {"zh": "机动车行驶证", "en": "Vehicle licence"},
            "valid_months": None,
        },
        "complaint_telephone": "0763-12345",
        "enquiry_telephone": None,
        "address": None,
        "hours": None,
        "missing": ["conditions", "enquiry_telephone"],
    },
    "CheckedItem": {
        "item_code": ITEM_CODE,
        "revision": 2,
        "acceptable": False,
        "findings": [_FINDING],
    },
    "ItemProposal": {
        "item_code": ITEM_CODE,
        "version": 2,
        "stage": "in_review",
        "organisation": _ISSUER["uscc"],
        "revision": 2,
        "digest": "example-digest-of-the-proposed-revision-two",
        "published_revision": 1,
        "effective_on": None,
        "offices": {"staffing": "2026-11-21T08:10:00.000Z"},
        "changes": [
            {
                "path": "/promised_working_days",
                "zh": "承诺办结时限由5个工作日改为3个工作日。",
                "en": "The promise goes from 5 working days to 3.",
            }
        ],
        "timeline": [
            {
                "event": "item.review_requested",
                "time": "2026-11-21T08:00:00.000Z",
                "office": None,
                "agrees": None,
                "reasons": None,
            },
            {
                "event": "item.reviewed",
                "time": "2026-11-21T08:10:00.000Z",
                "office": "staffing",
                "agrees": True,
                "reasons": "",
            },
        ],
        "findings": [],
    },
    "VerificationAnswer": _ISSUED,
}
_TOLD_TO_PARTNERS: Json = {
    "wechat_pay": {"code": "FAIL", "message": "wechat_pay_signature_missing"},
    "courier": {"code": "signature_wrong"},
}

EXAMPLES: dict[str, Json] = {
    **{
        name: {key: {"value": value} for key, value in examples.items()}
        for name, examples in _ASKED.items()
    },
    **{name: {"example": {"value": value}} for name, value in _ANSWERED.items()},
    "PartnerRefusal": {
        name: {"value": value} for name, value in _TOLD_TO_PARTNERS.items()
    },
}
"""By shape: OpenAPI's `examples` object."""

_FAULT: Json = {
    "path": "/owner/citizen_number",
    "code": "citizen_number_wrong",
    "zh": "身份证号码有误，请核对18位号码及最后一位校验码。",
    "en": "The identity number is wrong: check all 18 characters and the last one.",
}


def problem_example(known: Known) -> Json:
    """The problem document of a code, as a client would get it."""
    title = TITLES[known.status]
    document: Json = {
        "type": TYPE_PREFIX + known.code,
        "title": f"{title.zh} · {title.en}",
        "status": known.status,
        "detail": f"{known.zh} {known.en}",
        "instance": "urn:zerotrip:request:c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "code": known.code,
        "zh": known.zh,
        "en": known.en,
    }
    if known.status == 422:
        document["faults"] = [_FAULT] if known.code == "form_invalid" else []
    if known.code == "stage_changed":
        document["stage"] = "decided"
        document["winner"] = {
            "event": "case.decision_recorded",
            "time": "2026-11-21T08:30:00.000Z",
            "seq": 4,
            "decision": "approve",
        }
    return document


def gateway_example(refusal: GatewayRefusal) -> Json:
    """The problem document of the gateway's own refusal."""
    document: Json = {
        "type": TYPE_PREFIX + refusal.code,
        "title": f"{refusal.title.zh} · {refusal.title.en}",
        "detail": f"{refusal.zh} {refusal.en}",
        "instance": "urn:zerotrip:request:c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "code": refusal.code,
        "zh": refusal.zh,
        "en": refusal.en,
    }
    # A general refusal stands for several statuses, so it names none.
    return document if refusal.general else {**document, "status": refusal.statuses[0]}
