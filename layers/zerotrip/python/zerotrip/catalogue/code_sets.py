"""Code sets of GB/T 39046-2020, Annex A, with their names in both languages. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

MOST_STARS = 5


class CodeSet(StrEnum):
    """A code and its names; compares and prints as the code."""

    zh: str
    en: str

    def __new__(cls, code: str, zh: str = "", en: str = "") -> Self:
        """A member is its code; the names are attributes."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.zh = zh
        member.en = en
        return member


class ItemType(CodeSet):
    """事项类型: 11 to 19 and from 21 on are a place's own extensions."""

    POWER = "00", "行政权力", "Administrative power"
    LICENSING = "01", "行政许可", "Administrative licensing"
    PENALTY = "02", "行政处罚", "Administrative penalty"
    COERCION = "03", "行政强制", "Administrative coercion"
    LEVY = "04", "行政征收", "Administrative levy"
    BENEFIT = "05", "行政给付", "Administrative benefit"
    INSPECTION = "06", "行政检查", "Administrative inspection"
    CONFIRMATION = "07", "行政确认", "Administrative confirmation"
    REWARD = "08", "行政奖励", "Administrative reward"
    RULING = "09", "行政裁决", "Administrative ruling"
    OTHER_POWER = "10", "其他行政权力", "Other administrative power"
    PUBLIC_SERVICE = "20", "公共服务", "Public service"


class Level(CodeSet):
    """行使层级: who exercises the power."""

    STATE = "1", "国家级", "State"
    PROVINCE = "2", "省级", "Province"
    CITY = "3", "市级", "City"
    COUNTY = "4", "县级", "County"
    TOWN = "5", "镇（乡、街道）级", "Town"
    VILLAGE = "6", "村（社区）级", "Village"
    SEVERAL = "7", "分级", "Several levels"


class BodyNature(CodeSet):
    """主体性质: by what right the body acts."""

    STATUTORY = "1", "法定机关", "Statutory organ"
    AUTHORISED = "2", "授权组织", "Authorised organisation"
    ENTRUSTED = "3", "受委托组织", "Entrusted organisation"
    OTHER = "9", "其他", "Other"


class Audience(CodeSet):
    """服务对象: who may apply."""

    PERSON = "1", "自然人", "Natural person"
    COMPANY = "2", "企业法人", "Company"
    INSTITUTION = "3", "事业法人", "Public institution"
    SOCIAL = "4", "社会组织法人", "Social organisation"
    ORGAN = "5", "行政机关", "Administrative organ"
    OTHER = "6", "其他组织", "Other organisation"


class HandlingForm(CodeSet):
    """办理形式: by which way one applies."""

    WINDOW = "1", "窗口办理", "At the counter"
    COMPUTER = "2", "电脑端办理", "By computer"
    MOBILE = "3", "移动端办理", "By mobile"
    COURIER = "4", "快递申请", "By courier"
    OTHER = "9", "其他", "Other"


class CaseKind(CodeSet):
    """办件类型: at once, or within a promised time."""

    AT_ONCE = "1", "即办件", "At once"
    PROMISED = "2", "承诺件", "Promised"
    OTHER = "9", "其他", "Other"


class SpecialProcedure(CodeSet):
    """特别程序: what stops or lengthens the legal clock."""

    EXTENSION = "1", "延长审批", "Extension"
    OTHER = "2", "其他情况", "Other"


class Satisfaction(CodeSet):
    """满意度: **1 is best**, the reverse of a count of stars."""

    VERY_SATISFIED = "1", "非常满意", "Very satisfied"
    SATISFIED = "2", "满意", "Satisfied"
    FAIRLY_SATISFIED = "3", "基本满意", "Fairly satisfied"
    DISSATISFIED = "4", "不满意", "Dissatisfied"
    VERY_DISSATISFIED = "5", "非常不满意", "Very dissatisfied"


def satisfaction_of_stars(stars: int) -> Satisfaction:
    """The code of 1 to 5 stars: 5 stars are code 1. Raises ValueError otherwise."""
    if not 1 <= stars <= MOST_STARS:
        raise ValueError("stars are 1 to 5")
    return Satisfaction(str(MOST_STARS + 1 - stars))


def stars_of_satisfaction(satisfaction: Satisfaction) -> int:
    """1 to 5 stars of a code: code 1 is 5 stars."""
    return MOST_STARS + 1 - int(satisfaction)
