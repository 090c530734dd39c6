"""A case as a citizen understands it: sixty lines that know nothing of the product.

Each method is something that happens to the case; it answers whether that is accepted.
`word` says what the citizen waits for, once every machine has done its part.
"""

from __future__ import annotations

from dataclasses import dataclass

MAY_WITHDRAW = ("correcting", "papers", "decision", "payment")


@dataclass(frozen=True)
class Item:
    """What is true of an item: who brings what, who decides, what it costs."""

    papers: bool = False
    officer: bool = True
    fee: bool = False
    parcel: bool = False
    charge: bool = False


@dataclass
class Model:
    """One case of an item."""

    item: Item
    word: str = "draft"
    opened: bool = False
    paid: bool = False
    licence: bool = False
    noticed: bool = False
    named: bool = False
    """Whether anything was to be mended yet, and whether an officer named it."""
    rounds: int = 0
    """How often the form was checked: a page of an earlier round is out of date."""

    def hand_in(self, *, right: bool) -> bool:
        return self._checked(right=right) if self.word == "draft" else True

    def correct(self, *, right: bool, changes: bool = True) -> bool:
        mended = changes and self.word == "correcting"
        return mended and self._checked(right=right)

    def withdraw(self) -> bool:
        accepted = self.word in MAY_WITHDRAW
        self.word = "withdrawn" if accepted else self.word
        return accepted

    def decide(self, decision: str) -> bool:
        if self.word != "decision":
            return False
        self._approved() if decision == "approve" else self._is("refused")
        return True

    def send_back(self, *, reason: bool) -> bool:
        """An officer names what lay there all the time, with a reason or without."""
        late = self.noticed and not self.named
        if self.word != "decision" or (late and not reason):
            return False
        self.noticed = self.named = True
        self._is("correcting")
        return True

    def owes(self) -> bool:
        charged = self.word == "completed" and self.item.charge
        return (self.word == "payment" or charged) and not self.paid

    def open_bill(self) -> bool:
        self.opened = self.opened or self.owes()
        return self.owes()

    def pay(self) -> bool:
        accepted = self.opened and self.owes()
        if accepted:
            self.paid = True
            self._is("signing" if self.word == "payment" else self.word)
        return accepted

    def sign(self) -> None:
        if self.word == "signing":
            self.licence = True
            self._is("delivering" if self.item.parcel else "completed")

    def deliver(self) -> None:
        if self.word == "papers":
            self._is("decision") if self.item.officer else self._approved()
        elif self.word == "delivering":
            self._is("completed")

    def _checked(self, *, right: bool) -> bool:
        self.rounds += 1
        accepted = "papers" if self.item.papers else "decision"
        self._is(accepted if right else "correcting")
        self.noticed = self.noticed or not right
        return True

    def _approved(self) -> None:
        self._is("payment" if self.item.fee else "signing")

    def _is(self, word: str) -> None:
        self.word = word
