"""Examples of what clients and partners send, by shape."""

from __future__ import annotations

from zerotrip.web.openapi.examples.shown import (
    BILL_ID,
    DEFECT,
    FORM,
    ITEM_CODE,
    PURPOSE,
    SHA256,
    SHIPMENT_ID,
    Json,
)

ASKED: dict[str, Json] = {
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
    "NewPower": {
        "one_item": {
            "agent_name": "李示例",
            "agent_number": "999999199202020026",
            "acts": ["apply", "pay"],
            "item_code": ITEM_CODE,
            "ends_at": "2026-12-31T16:00:00.000Z",
        },
        "everything": {
            "agent_name": "李示例",
            "agent_number": "999999199202020026",
            "acts": ["all"],
        },
    },
    "SeenPerson": {
        "identity_card": {
            "code": "7KQ2M9XF",
            "name": "张示例",
            "id_type": "111",
            "number": "999999199001010016",
        },
        "guardian": {
            "code": "7KQ2M9XF",
            "name": "严示例",
            "number": "999999201606010019",
        },
    },
    "NewKin": {
        "spouse": {"relation": "spouse", "number": "999999199202020026"},
        "business": {"relation": "own_business", "number": "91999999MA00000079"},
    },
    "Refresh": {
        "refresh": {"refresh_token": "Zm9yIGV4YW1wbGUgb25seSwgbm90IGEgdG9rZW4"}
    },
    "NewApplication": {"vehicle_licence": {"item_code": ITEM_CODE}},
    "SavedForm": {"form": {"form": FORM}},
    "Submission": {
        "complete": {},
        "promise": {"promised": ["floor_plan"]},
    },
    "NewCorrections": {
        "form": {"form": FORM},
        "promise_kept": {},
    },
    "NewNotice": {
        "defect": {"defects": [DEFECT]},
        "late": {
            "defects": [DEFECT],
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
    "NewReuse": {"photograph": {"sha256": SHA256, "purpose": PURPOSE, "consent": True}},
    "Nothing": {"nothing": {}},
    "NewPayment": {"wechat_pay": {"channel": "wechat_pay", "bill_id": BILL_ID}},
    "NewDecision": {
        "approve": {"decision": "approve", "reasons": "材料齐全，符合法定条件。"},
        "refuse": {
            "decision": "refuse",
            "reasons": "经营场所不符合要求。",
            "articles": ["《中华人民共和国食品安全法》第三十五条"],
        },
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
