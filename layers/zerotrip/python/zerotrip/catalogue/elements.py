"""An item as a record of the item table of GB/T 39046-2020 (事项管理). Pure.

The table has 64 elements, of which the names below were read; the standard's own text
was not (docs/write-an-item.md lists what is left out). Dates are `YYYYMMDD`, amounts
are yuan with two decimals, yes and no are 1 and 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from zerotrip.catalogue.code_sets import (
    Audience,
    CaseKind,
    HandlingForm,
    ItemType,
    Level,
)

if TYPE_CHECKING:
    from zerotrip.catalogue.model import Item, LegalBasis, Material, Text

_AUDIENCE = {"person": Audience.PERSON, "company": Audience.COMPANY}
_CHANNELS = {
    "window": HandlingForm.WINDOW,
    "computer": HandlingForm.COMPUTER,
    "mobile": HandlingForm.MOBILE,
    "courier": HandlingForm.COURIER,
}
_SCOPES = {"country": "全国", "province": "跨市", "city": "跨县", "county": ""}
_WORKING_DAYS = "工作日"
_ONLINE = {"computer", "mobile"}


def item_record(item: Item, effective: date | None = None) -> dict[str, Any]:
    """Chinese element names to values; `effective` is the day from which it holds."""
    body = item.organisation
    fee = item.fee
    return {
        "基本编码": item.base_code,
        "实施编码": item.code,
        "事项名称": item.name.zh,
        "事项类型": item.type,
        "事项类型名称": _name(ItemType, item.type),
        "设定依据": _bases(item.legal_basis),
        "行使层级": item.level,
        "行使层级名称": _name(Level, item.level),
        "实施主体": body.name.zh,
        "实施主体编码": body.uscc,
        "服务对象": str(_AUDIENCE[item.audience]),
        "办理形式": ",".join(str(_CHANNELS[each]) for each in item.channels),
        "办件类型": str(
            CaseKind.PROMISED if item.promised_working_days else CaseKind.AT_ONCE
        ),
        "受理条件": "\n".join(each.zh for each in item.conditions),
        "法定办结时限": item.statutory_working_days,
        "法定办结时限单位": _WORKING_DAYS,
        "法定办结时限说明": "自受理之日起计算",
        "承诺办结时限": item.promised_working_days,
        "承诺办结时限单位": _WORKING_DAYS,
        "承诺办结时限说明": "自受理之日起计算",
        "通办范围": _SCOPES[item.scope],
        # The platform takes no appointments at present.
        "是否支持预约办理": 0,
        "是否支持网上支付": int(fee is not None),
        "是否支持物流快递": int(item.route.by_courier),
        "是否支持网上办理": int(bool(_ONLINE & set(item.channels))),
        "到办事现场次数": item.visits,
        "是否收费": int(fee is not None),
        "收费项目名称": fee.name.zh if fee else "",
        "收费标准": _yuan(fee.amount_fen) if fee else "",
        "收费依据": fee.legal_basis if fee else "",
        "办理材料": [_material(each) for each in item.materials],
        "审批结果名称": item.licence.title.zh,
        "咨询方式": body.enquiry_telephone or "",
        "监督投诉方式": body.complaint_telephone,
        "办理地点": _text(body.address),
        "办理时间": _text(body.hours),
        "版本号": item.revision,
        "生效日期": effective.strftime("%Y%m%d") if effective else "",
    }


def _material(material: Material) -> dict[str, Any]:
    return {
        "材料名称": material.name.zh,
        "是否必备材料": int(material.required),
        "原件份数": material.originals,
        "复印件份数": material.copies,
        "材料说明": _text(material.note),
    }


def _bases(bases: Iterable[LegalBasis]) -> str:
    return "\n".join(each.zh + (each.article or "") for each in bases)


def _name(codes: type[ItemType | Level], code: str) -> str:
    # An extension of a place's own has no name in the standard.
    return codes(code).zh if code in set(codes) else ""


def _text(text: Text | None) -> str:
    return text.zh if text else ""


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"
