"""What a notice says of an item, in both languages. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from zerotrip.cases.words import Act, act_words
from zerotrip.catalogue.model import Item, Text
from zerotrip.catalogue.remedies import remedy_text
from zerotrip.notices.templates import Bilingual

_FEE = Bilingual("费用", "the fee")


def _both(text: Text) -> Bilingual:
    return Bilingual(text.zh, text.en)


@dataclass(frozen=True, slots=True)
class ItemWords:
    """`granted` and `refused` are the acts as they are called for its type."""

    type: str
    name: Bilingual
    licence: Bilingual
    granted: Bilingual
    refused: Bilingual
    remedies: Bilingual
    fee: Bilingual = _FEE
    courier_charge: Bilingual = _FEE

    def of_bill(self, kind: object) -> Bilingual:
        """What a bill of that kind is called; `费用` where the kind is not known."""
        return {"fee": self.fee, "courier_charge": self.courier_charge}.get(
            str(kind), _FEE
        )


def item_words(item: Item) -> ItemWords:
    """The words of that revision."""
    return ItemWords(
        type=item.type,
        name=_both(item.name),
        licence=_both(item.licence.title),
        granted=Bilingual(*act_words(Act.GRANT, item.type)),
        refused=Bilingual(*act_words(Act.REFUSE, item.type)),
        remedies=_both(remedy_text(item.remedies)),
        fee=_both(item.fee.name) if item.fee else _FEE,
        courier_charge=_both(item.courier_charge.name) if item.courier_charge else _FEE,
    )


UNNAMED_ITEM = ItemWords(
    type="",
    name=Bilingual("政务服务事项", "government service"),
    licence=Bilingual("证照", "the licence"),
    granted=Bilingual(*act_words(Act.GRANT, "")),
    refused=Bilingual(*act_words(Act.REFUSE, "")),
    remedies=_both(remedy_text(None)),
)
"""Where the case is not known whose item it would be."""
