"""Made-up persons whose every word can be told apart from everything else.

Each case gets a person of its own; nobody has these numbers (division 999999, domain
`example.invalid`). What all of a kind share is searched for, so that a cut value is
found as well as a whole one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from zerotrip.kernel.identifiers import is_citizen_number, is_uscc

NAME_STEM = "岱示例"
EMAIL_DOMAIN = "canary.example.invalid"
_DIGITS = "零一二三四五六七八九"
_FIRST_BIRTHDAY = date(1911, 1, 1)  # nobody else in the tests is that old


@dataclass(frozen=True, slots=True)
class Marks:
    """Everything personal of one made-up applicant. `number` is 0 to 9,999."""

    number: int

    @property
    def name(self) -> str:
        """`岱示例零零四二`."""
        return NAME_STEM + "".join(_DIGITS[int(d)] for d in f"{self.number:04}")

    @property
    def citizen_number(self) -> str:
        """A valid number of the division 999999."""
        born = _FIRST_BIRTHDAY + timedelta(days=self.number // 100)
        first = f"999999{born:%Y%m%d}{self.number % 100:03}"
        return next(
            first + last for last in "0123456789X" if is_citizen_number(first + last)
        )

    @property
    def telephone(self) -> str:
        """`1380009…`."""
        return f"1380009{self.number:04}"

    @property
    def email(self) -> str:
        """An address of a domain that cannot exist."""
        return f"dai{self.number:04}@{EMAIL_DOMAIN}"

    @property
    def address(self) -> str:
        """Street and number, with the e-mail address that people add to it."""
        return f"{NAME_STEM}路{self.number + 1}号 {self.email}"

    @property
    def company(self) -> str:
        """A company of the same name."""
        return f"{self.name}食品有限公司"

    @property
    def uscc(self) -> str:
        """A valid credit code."""
        first = f"92999999MA{self.number:07}"
        alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
        return next(first + last for last in alphabet if is_uscc(first + last))

    @property
    def plate(self) -> str:
        """A number plate, of a new-energy car."""
        return f"粤ZD{self.number:05}"

    @property
    def vin(self) -> str:
        """A vehicle's number."""
        return f"LTESTDAXX{self.number:08}"

    @property
    def openid(self) -> str:
        """Who it is at WeChat."""
        return f"oCanaryDai-{self.number:017}"

    def at_provider(self, *, company: bool = False) -> dict[str, Any]:
        """Who the identity provider says this is; with `company`, its agent."""
        known: dict[str, Any] = {
            "sub": f"canary-{self.number:06d}",
            "openid": self.openid,
            "name": self.name,
            "id_no": self.citizen_number,
            "telephone": self.telephone,
        }
        if company:
            known["company"] = {
                "name": self.company,
                "uscc": self.uscc,
                "representative": self.name,
                "representative_no": self.citizen_number,
            }
        return known

    def values(self) -> Mapping[str, str]:
        """Every value by its kind."""
        return {
            "name": self.name,
            "citizen_number": self.citizen_number,
            "telephone": self.telephone,
            "email": self.email,
            "address": self.address,
            "company": self.company,
            "uscc": self.uscc,
            "plate": self.plate,
            "vin": self.vin,
            "openid": self.openid,
        }


def marked(form: Mapping[str, Any], marks: Marks) -> dict[str, Any]:
    """An item's example form with this person in every personal field."""
    person = {"name": marks.name, "citizen_number": marks.citizen_number}
    reached = {"telephone": marks.telephone}
    own = {
        "owner": person | reached,
        "vehicle": {
            "plate_type": "small_new_energy",
            "plate_number": marks.plate,
            "vin": marks.vin,
        },
        "addressee": {"name": marks.name, "address": marks.address} | reached,
        "company": {
            "name": marks.company,
            "uscc": marks.uscc,
            "legal_representative": marks.name,
        }
        | reached,
        "premises": {"address": marks.address},
        "safety_manager": person,
    }
    return {part: {**held, **own.get(part, {})} for part, held in form.items()}
