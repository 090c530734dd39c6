"""Examples of items, their guides and their proposals, by shape."""

from __future__ import annotations

from zerotrip.web.openapi.examples.shown import ISSUER, ITEM_CODE, ITEM_NAME, SLOT, Json

_FINDING: Json = {
    "code": "promise_longer_than_law",
    "severity": "error",
    "path": "street-stall-permit/item.yaml:21 /promised_working_days",
    "zh": "承诺办结时限不得长于法定办结时限。",
    "en": "The promised working days exceed the statutory ones.",
}
ITEMS: dict[str, Json] = {
    "ItemsAnswer": {
        "items": [
            {
                "item_code": ITEM_CODE,
                "revision": 1,
                "name": ITEM_NAME,
                "audience": "person",
                "organisation": ISSUER,
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
        "name": ITEM_NAME,
        "audience": "person",
        "identity_level": "present",
        "applicant": {
            "name_path": "/owner/name",
            "number_path": "/owner/citizen_number",
            "telephone_path": None,
            "representative_path": None,
        },
        "agents_allowed": True,
        "guardians_allowed": True,
        "own_from_age": 18,
        "organisation": {
            **ISSUER,
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
                "name": SLOT["name"],
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
        "name": ITEM_NAME,
        "audience": {"zh": "自然人", "en": "Persons"},
        "identity": {
            "zh": "须完成实名认证（姓名与证件号码核验一致）",
            "en": "Name and number of the identity document are checked to belong "
            "together",
        },
        "who_applies": [
            {
                "zh": "年满18周岁的，由本人申请；未满18周岁的，由监护人代为申请",
                "en": "From the age of 18 one applies oneself; a guardian applies for "
                "the younger",
            },
            {"zh": "可以委托他人代办", "en": "An agent may apply in one's stead"},
        ],
        "organisation": ISSUER["name"],
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
                "name": SLOT["name"],
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
        "remedies": {
            "zh": "不服本决定的，可以自收到之日起六十日内向示例市人民政府申请行政复议，"
            "也可以自收到之日起六个月内向示例市人民法院提起行政诉讼。",
            "en": "Against this decision you may ask the People's Government of Shili "
            "for administrative reconsideration within 60 days of receiving it, or go "
            "to the People's Court of Shili within 6 months of receiving it.",
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
        "organisation": ISSUER["uscc"],
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
}
