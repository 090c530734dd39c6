"""A route as data: what a client may send, and what it may get. Pure.

Who may call it stands in `identity.permissions`, and nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the path: its shape, what it is, one that looks real."""

    pattern: str
    words: Words
    example: str

    def fits(self, value: str) -> bool:
        """Whether a value has the shape; nothing else can be found anyway."""
        return re.fullmatch(self.pattern, value) is not None


PARAMETERS: dict[str, Parameter] = {
    "application_id": Parameter(
        r"[0-9A-HJKMNP-TV-Z]{26}",
        Words("申请的编号", "The application's id"),
        "4T8RZ6Q0V2M1K9J7H5G3F1D0C8",
    ),
    "binding_id": Parameter(
        r"[0-9A-HJKMNP-TV-Z]{26}",
        Words("登录方式的编号", "The login's id"),
        "6V2X4Z8B0D1F3G5H7J9K2M4N6P",
    ),
    "power_id": Parameter(
        r"[0-9A-HJKMNP-TV-Z]{26}",
        Words("委托的编号", "The authorisation's id"),
        "2C4E6G8J0K1M3N5P7Q9R2S4T6V",
    ),
    "case_no": Parameter(
        r"[0-9A-Z]{31}[0-9]{14}",
        Words("办件编号，45位", "The case number, 45 characters"),
        "11441882007000001K400012400000120261121483920",
    ),
    "item_code": Parameter(
        r"[0-9A-Z]{31}",
        Words("实施编码，31位", "The implementation code, 31 characters"),
        "11441882007000001K4000124000001",
    ),
    "licence_id": Parameter(
        r"[0-9A-Z.]{20,120}",
        Words("电子证照标识", "The licence identifier (GB/T 36904)"),
        "1.2.156.3005.2.11100000MB0304894M003.11441882007000001K"
        ".7Q2W9E4R6T1Y8U3I5O0P.001.9",
    ),
    "material": Parameter(
        r"[a-z][a-z0-9_]{0,39}",
        Words("材料代码", "The material's code in the item"),
        "no_criminal_record",
    ),
    "notice_id": Parameter(
        r"[A-Za-z0-9_-]{22}",
        Words("通知的编号", "The notice's id"),
        "mZ3uS0yq7T5c1d9fK2Lw8A",
    ),
    "partner": Parameter(
        r"[a-z][a-z0-9_]{0,39}",
        Words("合作方", "The partner: wechat_pay or courier"),
        "courier",
    ),
}

_PLACE = re.compile(r"\{([^{}/]+)\}")


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path.

    `answers` maps a status to the name of its shape in `web.answers`, or to None for
    no body. `problems` are the codes that this route adds to those of every route.
    `if_match`: whether the person must, or may, name the version seen. `keyed`: an
    `Idempotency-Key` is honoured. `query`: names of query parameters. `raw`: the body
    is bytes; `page`: the answer is HTML.
    """

    method: str
    path: str
    summary: Words
    answers: Mapping[int, str | None]
    problems: tuple[str, ...] = ()
    body: type[BaseModel] | None = None
    body_optional: bool = False
    if_match: Literal["required", "optional"] | None = None
    keyed: bool = False
    tagged: bool = False
    query: tuple[str, ...] = ()
    raw: bool = False
    page: bool = False

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the path's parameters, in order."""
        return tuple(_PLACE.findall(self.path))

    @property
    def name(self) -> str:
        """`POST /v1/applications`, as logs and idempotency keys name it."""
        return f"{self.method} {self.path}"
