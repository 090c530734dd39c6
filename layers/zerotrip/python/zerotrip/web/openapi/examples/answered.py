"""Examples of what applicants, officers and partners are answered, by shape."""

from __future__ import annotations

from zerotrip.web.openapi.examples.shown import (
    APPLICATION_ID,
    BILL_ID,
    CASE_NO,
    FORM,
    GRANTED,
    IN_REVIEW,
    ISSUED,
    ITEM_CODE,
    ITEM_NAME,
    NAMES,
    OPEN_SLOT,
    POWER,
    POWER_ID,
    PRESENT,
    PURPOSE,
    QUERY_CODE,
    SHA256,
    SHIPMENT_ID,
    SLOT,
    STORED_FILE,
    SUMMARY,
    TASK,
    TIMELINE,
    Json,
    stage_of,
)
from zerotrip.web.route import PARAMETERS

ANSWERED: dict[str, Json] = {
    "SessionAnswer": {
        "token_type": "Bearer",
        "access_token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJleGFtcGxlIn0.c2lnbmF0dXJl",
        "expires_in_seconds": 900,
        "refresh_token": "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgdG9rZW4",
        "subject": {"kind": "natural", "level": "declared"},
        "roles": ["citizen"],
    },
    "BindingsAnswer": {
        **PRESENT,
        "name": "张示例",
        "acting_for": None,
        "bindings": [
            {
                "binding_id": PARAMETERS["binding_id"].example,
                "provider": "wechat_mini_program",
                "level": "declared",
                "current": True,
            },
            {
                "binding_id": "8X0Z2B4D6F8H0K2M4P6R8T0V2X",
                "provider": "oidc",
                "level": "present",
                "current": False,
            },
        ],
    },
    "WindowCodeAnswer": {
        "code": "7KQ2M9XF",
        "expires_at": "2026-11-21T08:15:00.000Z",
    },
    "PowerAnswer": POWER,
    "PowersAnswer": {
        "given": [POWER],
        "held": [
            {
                **POWER,
                "state": "accepted",
                "holds": True,
                "because": None,
                "because_words": None,
                "accept_until": None,
                "principal": {"kind": "legal", "name": "示例食品有限公司"},
                "agent": {"kind": "natural", "name": "张示例"},
            }
        ],
    },
    "SeenAnswer": {
        "level": "strong",
        "level_name": {
            "zh": "已实名认证（数字证书或者窗口核验）",
            "en": "proven by certificate or at a window",
        },
    },
    "GuardianAnswer": {
        "power_id": POWER_ID,
        "ends_at": "2034-05-31T16:00:00.000Z",
    },
    "KinAnswer": {
        "kin": [
            {"relation": "spouse", "declared_at": "2026-11-20T01:00:00.000Z"},
        ]
    },
    "ApplicationsAnswer": {"applications": [SUMMARY]},
    "ApplicationAnswer": {
        **SUMMARY,
        "item_changed": True,
        "item_changes": [
            {
                "path": "/promised_working_days",
                "zh": "承诺办结时限由5个工作日改为3个工作日。",
                "en": "The promise goes from 5 working days to 3.",
            }
        ],
        "applicant": {
            **PRESENT,
            "required": "present",
            "enough": True,
            "zh": "",
            "en": "",
            "by_agent": False,
            "locked": {
                "/owner/name": "张示例",
                "/owner/citizen_number": "11010519491231002X",
            },
            "differs": [],
        },
        "form": FORM,
        "materials": [SLOT],
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
                "item_name": ITEM_NAME,
                "at": "2026-11-20T03:10:00.000Z",
            }
        },
    },
    "UploadAnswer": {
        "slot": OPEN_SLOT,
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
    "VaultAnswer": {"files": [STORED_FILE]},
    "ReuseAnswer": {
        "slot": {
            **SLOT,
            "reused": {
                "sha256": SHA256,
                "purpose": PURPOSE,
                "consent_at": "2026-11-21T08:00:00.000Z",
            },
        },
        "valid_until": "2027-05-21",
    },
    "SubmissionAnswer": {
        "case_no": CASE_NO,
        "query_code": QUERY_CODE,
        **stage_of("received", "已收件", "Received"),
    },
    "CasesAnswer": {
        "cases": [
            {
                **NAMES,
                **stage_of("payment_due", "待缴费", "Payment due"),
                "asked_of_me": ["payment"],
            }
        ]
    },
    "CaseAnswer": {
        **NAMES,
        **stage_of("payment_due", "待缴费", "Payment due"),
        "query_code": QUERY_CODE,
        "version": 5,
        "obligations": ["payment"],
        "handed_in_by": None,
        "handed_in": None,
        "asked_of_me": [
            {
                "obligation": "payment",
                "zh": "请于2026年12月6日16:00前缴纳机动车行驶证工本费15.00元；"
                "未缴费的，暂不制发机动车行驶证。",
                "en": "Please pay 15.00 yuan (Cost of a vehicle licence) by "
                "2026-12-06 16:00; “Vehicle Licence” is not issued before.",
                "ref": BILL_ID,
            }
        ],
        "promised": [],
        "grounds": [],
        "decision": GRANTED,
        "timeline": TIMELINE,
        "bills": [
            {
                "bill_id": BILL_ID,
                "name": {
                    "zh": "机动车行驶证工本费",
                    "en": "Cost of a vehicle licence",
                },
                **stage_of("opened", "待缴纳", "To be paid"),
                "kind": "fee",
                "amount_fen": 1500,
                "amount_text": {"zh": "15.00元", "en": "15.00 yuan"},
                "payable_until": "2026-12-06T08:00:05.000Z",
            }
        ],
        "shipments": [
            {
                "shipment_id": SHIPMENT_ID,
                **stage_of("dispatched", "快递已接单", "Taken by the carrier"),
                "direction": "delivery",
                "direction_name": {"zh": "寄送办理结果", "en": "The result to you"},
                "waybill": "ZT0000000000001",
            }
        ],
        "licence_id": None,
    },
    "CaseMoved": {
        "case_no": CASE_NO,
        "version": 6,
        **stage_of("withdrawn", "已撤回", "Withdrawn"),
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
                "query_code": QUERY_CODE,
                "about": {"kind": "bill", "id": BILL_ID},
                "by_agent": False,
                "title": {"zh": "待缴费", "en": "Payment due"},
                "text": {
                    "zh": f"您申请的“补领机动车行驶证”（办件编号{CASE_NO}）："
                    "请于2026年12月6日16:00前缴纳机动车行驶证工本费15.00元，"
                    "可在“我的办件”中在线缴纳。未缴费的，暂不制发机动车行驶证。",
                    "en": "Your application “Replacement of a vehicle licence” (case "
                    f"{CASE_NO}): please pay 15.00 yuan (Cost of a vehicle "
                    "licence) by 2026-12-06 16:00 in “My cases”. “Vehicle Licence” is "
                    "not issued before.",
                },
                "occurred_at": "2026-11-21T08:00:05.000Z",
                "sent_at": "2026-11-21T08:00:06.000Z",
                "read": False,
                "read_at": None,
            }
        ]
    },
    "LicenceAnswer": {
        **ISSUED,
        "case_no": CASE_NO,
        "item_code": ITEM_CODE,
        "sha256": SHA256,
    },
    "WorklistAnswer": {"tasks": [{**NAMES, **IN_REVIEW, "task": TASK}]},
    "StaffCaseAnswer": {
        **NAMES,
        **IN_REVIEW,
        "query_code": QUERY_CODE,
        "version": 3,
        "obligations": ["decision"],
        "timeline": TIMELINE,
        "licence_id": None,
        "applicant": {
            "kind": "natural",
            "name": "张示例",
            "number": "11010519491231002X",
            "document": {"zh": "居民身份证", "en": "resident identity card"},
            **PRESENT,
            "seen_by": None,
            "seen_by_name": None,
            "acted_for_by": {
                "name": "李示例",
                "number": "999999199202020026",
                "office": "agent",
                "office_name": {"zh": "代理人", "en": "agent"},
                "source": "consent",
                "source_name": {
                    "zh": "委托人在本平台授权",
                    "en": "the principal's consent here",
                },
            },
        },
        "form": FORM,
        "materials": [
            {
                "code": "identity_card",
                "name": SLOT["name"],
                "source": "upload",
                "content_type": "image/jpeg",
                "size_bytes": 204800,
                "sha256": SHA256,
                "download_url": "https://uploads.zerotrip.example/441882/APP/example",
                "reference": None,
                "valid_until": None,
                "document": None,
                "fields": [],
                "scan": {
                    "scanner": "clamav",
                    "version": "ClamAV 1.4.1/27460",
                    "verdict": "clean",
                    "verdict_name": {"zh": "未发现恶意代码", "en": "No malware found"},
                    "scanned_at": "2026-11-21T07:59:30.000Z",
                },
            },
            {
                "code": "household_registration",
                "name": {"zh": "户口簿", "en": "Household registration"},
                "source": "shared",
                "content_type": None,
                "size_bytes": None,
                "sha256": SHA256,
                "download_url": None,
                "reference": "population-9f86d081884c7d659a2f",
                "valid_until": "2026-12-21",
                "document": {"address": "示例省示例市示例区示例大道1号"},
                "fields": [
                    {
                        "label": {"zh": "住址", "en": "Address"},
                        "value": "示例省示例市示例区示例大道1号",
                    }
                ],
                "scan": None,
            },
        ],
        "promised": [],
        "grounds": [],
        "decision": None,
        "articles_offered": GRANTED["articles"],
        "task": TASK,
    },
    "DecisionAnswer": {
        "case_no": CASE_NO,
        "version": 4,
        "decision": "approve",
        **stage_of("decided", "已作出决定", "Decided"),
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
    "VerificationAnswer": ISSUED,
}
TOLD_TO_PARTNERS: Json = {
    "wechat_pay": {"code": "FAIL", "message": "wechat_pay_signature_missing"},
    "courier": {"code": "signature_wrong"},
}
