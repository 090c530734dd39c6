"""The people whom the sandboxes know. None exists: division 999999, made-up names.

One entry is one way to sign in: who signs in as a person and for a company too, or for
two companies, stands here once for each, with the same `sub`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

# GA/T 2000.156: kinds of documents.
RESIDENT_IDENTITY_CARD = "111"
ORDINARY_PASSPORT = "414"
PERMANENT_RESIDENT_CARD = "553"
# The standard's code for it is not verified [U]: this is the sandbox's own word.
RESIDENCE_PERMIT = "residence_permit"

APPLICANTS = "申请人 Applicants"
COMPANIES = "企业 Companies and who acts for them"
SPECIAL_CASES = "其他证件与特殊情形 Other documents and special cases"
STAFF = "工作人员 Staff"
GROUPS = (APPLICANTS, COMPANIES, SPECIAL_CASES, STAFF)


@dataclass(frozen=True)
class Company:
    """A company, sole trader or branch as the register has it."""

    name: str
    uscc: str
    representative: str  # 法定代表人; of a branch 负责人, of a sole trader 经营者
    representative_no: str
    kind: str = "company"
    status: str = "active"


@dataclass(frozen=True)
class Person:
    """One sign-in at the identity provider; `sub` and `openid` never change."""

    key: str
    sub: str
    openid: str
    name: str
    id_no: str
    telephone: str
    part: str  # what the person is for: shown on the sign-in page
    group: str = APPLICANTS
    level: str = "L3"
    id_type: str = RESIDENT_IDENTITY_CARD
    name_at_provider: str | None = None  # where the provider writes it in another way
    company: Company | None = None
    role: str = "agent"
    powers: tuple[str, ...] | None = None  # None: the provider says nothing of them
    authority_source: str = "provider"
    authority_days: int | None = None  # from the sign-in on
    children: tuple[str, ...] = ()  # keys of people in the same household
    deceased_on: str | None = None

    @property
    def corp_name(self) -> str | None:
        return None if self.company is None else self.company.name

    @property
    def corp_uscc(self) -> str | None:
        return None if self.company is None else self.company.uscc

    @property
    def underage(self) -> bool:
        """Whether the person is under 18; only citizens' numbers say it."""
        if self.id_type != RESIDENT_IDENTITY_CARD:
            return False
        born, today = self.id_no[6:14], f"{date.today():%Y%m%d}"  # noqa: DTZ011
        return int(today) - int(born) < 18_00_00

    def claims(self) -> dict[str, Any]:
        """The identity claims of the id_token."""
        claims: dict[str, Any] = {
            "sub": self.sub,
            "name": self.name_at_provider or self.name,
            "id_type": self.id_type,
            "id_no": self.id_no,
            "level": self.level,
            "kind": "legal" if self.company else "natural",
            "phone_number": f"+86{self.telephone}",
            "phone_number_verified": True,
        }
        return claims | (self._company_claims(self.company) if self.company else {})

    def _company_claims(self, company: Company) -> dict[str, Any]:
        claims: dict[str, Any] = {
            "corp_name": company.name,
            "corp_uscc": company.uscc,
            "corp_kind": company.kind,
            "corp_status": company.status,
            "corp_representative": company.representative,
            "corp_representative_no": company.representative_no,
            "corp_role": self.role,
            "corp_authority_source": self.authority_source,
        }
        if self.powers is not None:
            claims["corp_powers"] = list(self.powers)
        if self.authority_days is not None:
            until = datetime.now(UTC) + timedelta(days=self.authority_days)
            claims["corp_authority_until"] = int(until.timestamp())
        return claims


def _person(
    number: int, key: str, name: str, id_no: str, part: str, **more: Any
) -> Person:
    known = {
        "sub": f"sandbox-{number:06d}",
        "openid": f"oSandbox-{number:019d}",
        "telephone": f"1380000{number:04d}",
    }
    return Person(key=key, name=name, id_no=id_no, part=part, **(known | more))


def somebody(said: Mapping[str, Any]) -> Person:
    """A person of the caller's own making; with `company`, an agent of that one."""
    known = {"part": "由测试虚构 made up by a test", **said}
    if "company" in known:
        known["company"] = Company(**known["company"])
    return Person(key=known["sub"], **known)


def _officer(number: int, key: str, name: str, id_no: str, part: str) -> Person:
    return _person(number, key, name, id_no, part, group=STAFF, level="L4")


def _citizen_number(first_17: str) -> str:
    """The number with its check digit (GB 11643-1999)."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(
        int(digit) * weight for digit, weight in zip(first_17, weights, strict=True)
    )
    return first_17 + "10X98765432"[total % 11]


def birthday_of_a_ten_year_old(today: date) -> str:
    """The first of June on which who is ten today was born, as numbers have it."""
    had_birthday = (today.month, today.day) >= (6, 1)
    return f"{today.year - (10 if had_birthday else 11)}0601"


_QIN = ("秦示例", "999999197203150165")
_HE = ("何示例", "999999197901190199")
_LV = ("吕示例", "999999198302200206")
_AN = ("安示例", "999999197012020333")  # a representative who never signs in
_CAO = ("曹示例", "999999198905230236")
_FOOD = Company("示例食品有限公司", "91999999MA00000079", *_QIN)
_TRADE = Company("示例贸易有限公司", "91999999MA00000154", *_AN)
_TRANSPORT = Company("示例运输有限公司", "91999999MA0000023Y", *_AN)
_SNACKS = Company("示例小吃店", "92999999MA0000031N", *_HE, kind="sole_trader")
_BRANCH = Company(
    "示例食品有限公司示例分公司", "91999999MA000004XH", *_LV, kind="branch"
)
_ENDED = Company("示例旧货有限公司", "91999999MA0000058H", *_AN, status="deregistered")
_BORN_TEN_YEARS_AGO = birthday_of_a_ten_year_old(datetime.now(UTC).date())

_APPLICANTS = (
    _person(1, "zhang", "张示例", "999999199001010016", "申请人 citizen"),
    _person(2, "li", "李示例", "999999199202020026", "申请人 citizen"),
    _person(
        3,
        "wang",
        "王示例",
        "999999198503030039",
        "企业经办人 company's agent",
        group=COMPANIES,
        company=_FOOD,
    ),
)
_OFFICERS = (
    _officer(4, "zhao", "赵示例", "999999198004040048", "经办 officer"),
    _officer(5, "sun", "孙示例", "999999198105050050", "经办 officer"),
    _officer(6, "zhou", "周示例", "999999197506060060", "审批 approver"),
    _officer(7, "wu", "吴示例", "999999197807070078", "审计 auditor"),
    _officer(8, "feng", "冯示例", "999999198308080081", "编制 editor"),
    _officer(9, "chen", "陈示例", "999999197909090096", "机构编制审核 staffing"),
    _officer(10, "chu", "褚示例", "999999197610100106", "法制审核 legal"),
    _officer(11, "wei", "卫示例", "999999198401110118", "经办 officer"),
    _officer(12, "jiang", "蒋示例", "999999198202120129", "审批 officer"),
    _officer(13, "shen", "沈示例", "999999198103130137", "审批 officer"),
    _officer(14, "han", "韩示例", "999999198704140146", "审批 officer"),
    _officer(15, "yang", "杨示例", "999999198605150154", "审批 officer"),
    *(
        _officer(number, key, name, _citizen_number(f"99999919880101{number}0"), part)
        for number, key, name, part in (
            (33, "xie", "谢示例", "备用编制 editor"),
            (34, "zou", "邹示例", "备用编制 editor"),
            (35, "yu", "喻示例", "备用审批 officer"),
            (36, "bai", "柏示例", "备用审批 officer"),
        )
    ),
)
_ACTING_FOR_COMPANIES = (
    _person(
        3,
        "wang_self",
        "王示例",
        "999999198503030039",
        "企业经办人本人 the same agent as a person",
    ),
    _person(16, "qin", *_QIN, "法定代表人本人 the representative as a person"),
    _person(
        16,
        "qin_company",
        *_QIN,
        "法定代表人 legal representative",
        group=COMPANIES,
        company=_FOOD,
        role="representative",
    ),
    _person(
        17,
        "you",
        "尤示例",
        "999999199107170173",
        "电子营业执照办事人：仅申请，七日 agent by e-business licence: apply, 7 days",
        group=COMPANIES,
        company=_FOOD,
        powers=("apply",),
        authority_source="e_business_licence",
        authority_days=7,
    ),
    _person(
        18,
        "xu_first",
        "许示例",
        "999999198809180187",
        "两家企业经办人（一） agent of two companies, the first",
        group=COMPANIES,
        company=_TRADE,
    ),
    _person(
        18,
        "xu_second",
        "许示例",
        "999999198809180187",
        "两家企业经办人（二） agent of two companies, the second",
        group=COMPANIES,
        company=_TRANSPORT,
    ),
    _person(
        19,
        "he",
        *_HE,
        "个体工商户经营者 sole trader",
        group=COMPANIES,
        company=_SNACKS,
        role="representative",
    ),
    _person(
        20,
        "lv",
        *_LV,
        "分公司负责人 branch's person in charge",
        group=COMPANIES,
        company=_BRANCH,
        role="representative",
    ),
    _person(
        32,
        "ended",
        "戚示例",
        "999999198611010326",
        "已注销企业经办人 agent of a deregistered company",
        group=COMPANIES,
        company=_ENDED,
    ),
)
_SPECIAL_CASES = (
    _person(
        21,
        "shi",
        "施示例",
        "999999199503210210",
        "未实名 identity only declared",
        group=SPECIAL_CASES,
        level="L1",
    ),
    _person(
        22,
        "kong",
        "孔示例",
        "999999199304220221",
        "姓名号码已核对 name and number matched",
        group=SPECIAL_CASES,
        level="L2",
    ),
    _person(
        23,
        "cao",
        *_CAO,
        "两个账号（一） two accounts, the first",
        group=SPECIAL_CASES,
    ),
    _person(
        24,
        "cao_second",
        *_CAO,
        "两个账号（二） two accounts, the second",
        group=SPECIAL_CASES,
        openid=f"oSandbox-{23:019d}",  # two accounts, one WeChat
    ),
    _person(
        25,
        "yan",
        "严示例",
        _citizen_number(f"999999{_BORN_TEN_YEARS_AGO}024"),
        "未成年人（十岁） minor of ten years",
        group=SPECIAL_CASES,
        level="L2",
    ),
    _person(
        26,
        "hua",
        "华示例",
        "99999919850626026X",
        "未成年人之父 the minor's father",
        group=SPECIAL_CASES,
        children=("yan",),
    ),
    _person(
        27,
        "jin",
        "金示例",
        "839999199008270270",
        "台湾居民居住证 residence permit",
        group=SPECIAL_CASES,
        id_type=RESIDENCE_PERMIT,
    ),
    _person(
        28,
        "smith",
        "JOHN SHILI SMITH",
        "E12345678",
        "护照 passport",
        group=SPECIAL_CASES,
        id_type=ORDINARY_PASSPORT,
    ),
    _person(
        29,
        "tao",
        "陶示例",
        "900999198808280296",
        "外国人永久居留身份证 permanent resident card",
        group=SPECIAL_CASES,
        id_type=PERMANENT_RESIDENT_CARD,
    ),
    _person(
        30,
        "achun",
        "阿依·示例",
        "999999199209300303",
        "姓名有间隔号 a middle dot in the name",
        group=SPECIAL_CASES,
        name_at_provider="阿依\u2022示例",
    ),
    _person(
        31,
        "dead",
        "魏示例",
        "999999194010310317",
        "人口库记为死亡 deceased in the register",
        group=SPECIAL_CASES,
        deceased_on="2026-01-15",
    ),
)

PEOPLE: dict[str, Person] = {
    person.key: person
    for person in (*_APPLICANTS, *_OFFICERS, *_ACTING_FOR_COMPANIES, *_SPECIAL_CASES)
}
