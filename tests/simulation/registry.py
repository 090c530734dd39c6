"""Invented people and companies, as many as a run wants: each has a number of its own.

Nobody has these numbers: division 999999 and organisation codes of our own, with right
check characters, so that a form which names one of them passes every check.
"""

from __future__ import annotations

import functools
from datetime import date, timedelta
from typing import Any

from tests.simulation.scheduler import START
from tests.support.persons import as_named
from tests.support.world import CATALOGUE
from zerotrip.catalogue.authoring import Draft as ItemDraft
from zerotrip.catalogue.authoring import load, load_example
from zerotrip.identity.model import Person
from zerotrip.kernel.identifiers import is_citizen_number, uscc_check_character
from zerotrip.kernel.times import legal_day

RESIDENT_IDENTITY_CARD = "111"
FIRST_BORN = date(1960, 1, 1)
BORN_A_DAY = 999
"""As many sequence numbers as there are for one day and division."""


@functools.cache
def citizen_number(number: int) -> str:
    """The number of the so-maniest invented adult; different for each."""
    days, sequence = divmod(number, BORN_A_DAY)
    born = FIRST_BORN + timedelta(days=days)
    first_17 = f"999999{born:%Y%m%d}{sequence + 1:03}"
    return next(
        first_17 + last for last in "0123456789X" if is_citizen_number(first_17 + last)
    )


def uscc(number: int) -> str:
    """The unified social credit code of the so-maniest invented company."""
    first_17 = f"91441882MB{number:07}"
    return first_17 + uscc_check_character(first_17)


def citizen(number: int) -> Person:
    """As the identity provider knows them."""
    return Person(
        name=f"张示例{_name(number)}",
        id_type=RESIDENT_IDENTITY_CARD,
        id_no=citizen_number(number),
    )


def openid(number: int) -> str:
    """The same person's, at WeChat."""
    return f"oSimulated-{number:017d}"


def company(number: int) -> Person:
    """A company; its representative is the citizen of the same number."""
    return Person(
        corp_name=f"示例餐饮管理第{_name(number)}有限公司",
        corp_uscc=uscc(number),
        corp_representative=citizen(number).name,
    )


@functools.cache
def item(folder: str) -> ItemDraft:
    """An item of `catalogue/`, read once."""
    return load(CATALOGUE / folder, legal_day(START))


@functools.cache
def example(folder: str) -> Any:
    """An item's example, read once."""
    return load_example(CATALOGUE / folder, legal_day(START))


def form_of(folder: str, number: int) -> dict[str, Any]:
    """The item's example form as that citizen, or that company, would fill it in."""
    paths = item(folder).item.applicant
    if item(folder).item.audience == "company":
        firm = company(number)
        named = {
            paths.name_path: firm.corp_name,
            paths.number_path: firm.corp_uscc,
            paths.representative_path: firm.corp_representative,
        }
    else:
        person = citizen(number)
        named = {paths.name_path: person.name, paths.number_path: person.id_no}
    known = {path: value for path, value in named.items() if path and value}
    return as_named(item(folder).item, example(folder).form, known)


def _name(number: int) -> str:
    """The number in characters that a name may hold."""
    return "".join("零一二三四五六七八九"[int(digit)] for digit in str(number))
