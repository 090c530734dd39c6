"""The people whom the sandboxes know. None exists: division 999999, made-up names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One person at the identity provider; `sub` and `openid` never change."""

    key: str
    sub: str
    openid: str
    name: str
    id_no: str
    telephone: str
    part: str  # what the person is for: shown on the sign-in page
    level: str = "L3"
    corp_name: str | None = None
    corp_uscc: str | None = None

    def claims(self) -> dict[str, str]:
        """The identity claims of the id_token."""
        claims = {
            "sub": self.sub,
            "name": self.name,
            "id_type": "111",  # GA/T 2000.156: resident identity card
            "id_no": self.id_no,
            "level": self.level,
            "kind": "legal" if self.corp_uscc else "natural",
        }
        if self.corp_name and self.corp_uscc:
            claims |= {"corp_name": self.corp_name, "corp_uscc": self.corp_uscc}
        return claims


def _person(
    number: int, key: str, name: str, id_no: str, part: str, **more: str
) -> Person:
    return Person(
        key=key,
        sub=f"sandbox-{number:06d}",
        openid=f"oSandbox-{number:019d}",
        name=name,
        id_no=id_no,
        telephone=f"1380000{number:04d}",
        part=part,
        **more,
    )


PEOPLE: dict[str, Person] = {
    person.key: person
    for person in (
        _person(1, "zhang", "张示例", "999999199001010016", "申请人 citizen"),
        _person(2, "li", "李示例", "999999199202020026", "申请人 citizen", level="L2"),
        _person(
            3,
            "wang",
            "王示例",
            "999999198503030039",
            "企业经办人 company's agent",
            corp_name="示例食品有限公司",
            corp_uscc="91999999MA00000079",
        ),
        _person(4, "zhao", "赵示例", "999999198004040048", "经办 officer", level="L4"),
        _person(5, "sun", "孙示例", "999999198105050050", "经办 officer", level="L4"),
        _person(6, "zhou", "周示例", "999999197506060060", "审批 approver", level="L4"),
        _person(7, "wu", "吴示例", "999999197807070078", "审计 auditor", level="L4"),
        _person(8, "feng", "冯示例", "999999198308080081", "编制 editor", level="L4"),
        _person(
            9,
            "chen",
            "陈示例",
            "999999197909090096",
            "机构编制审核 staffing",
            level="L4",
        ),
        _person(
            10, "chu", "褚示例", "999999197610100106", "法制审核 legal", level="L4"
        ),
        _person(11, "wei", "卫示例", "999999198401110118", "经办 officer", level="L4"),
        _person(
            12, "jiang", "蒋示例", "999999198202120129", "审批 officer", level="L4"
        ),
        _person(13, "shen", "沈示例", "999999198103130137", "审批 officer", level="L4"),
        _person(14, "han", "韩示例", "999999198704140146", "审批 officer", level="L4"),
        _person(15, "yang", "杨示例", "999999198605150154", "审批 officer", level="L4"),
    )
}
