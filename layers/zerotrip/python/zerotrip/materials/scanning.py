"""Malware: the port to a scanner, what it says, and the one that says nobody looked.

What a scanner said stays with the file, with its name and the version of its
signatures, so that it can be told later which files an old version has passed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, Self

NOBODY = "none"
"""The scanner's name in the record of a file that no scanner has looked at."""

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9._/:+ -]")
_LONGEST = 100


class Outcome(StrEnum):
    """What came of a scan."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNAVAILABLE = "unavailable"  # no answer: the file is not passed, it is tried again


@dataclass(frozen=True, slots=True)
class Verdict:
    """One scanner's word on one file.

    `version`: of program and signatures, as the scanner tells it; None: it does not.
    `name`: what was found in an infected file. `at`: when, UTC text; None in records
    of before it was kept.
    """

    scanner: str
    version: str | None
    outcome: Outcome
    name: str | None = None
    at: str | None = None

    def as_data(self) -> dict[str, Any]:
        """The stored record: `scanner`, `version`, `verdict`, `name`, `at`."""
        return {
            "scanner": self.scanner,
            "version": plain(self.version),
            "verdict": self.outcome.value,
            "name": plain(self.name),
            "at": self.at,
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Reads a stored record."""
        return cls(
            data["scanner"],
            data["version"],
            Outcome(data["verdict"]),
            data["name"],
            data.get("at"),
        )


class Scanner(Protocol):
    """What looks for malware in a file."""

    def scan(self, content: bytes) -> Verdict:
        """Its verdict. An unreachable scanner is a verdict too, never an error.

        Raises GiveUp where no retry helps, such as a file larger than it takes.
        """


@dataclass(frozen=True, slots=True)
class AlwaysClean:
    """For the laptop: passes everything, and the record says that nobody looked."""

    def scan(self, content: bytes) -> Verdict:  # noqa: ARG002  (nobody looks)
        """Clean, by nobody."""
        return Verdict(NOBODY, None, Outcome.CLEAN)


def plain(text: str | None) -> str | None:
    """A scanner's words as we keep them: short, and nothing that a page could run."""
    return None if text is None else _NOT_PLAIN.sub("?", text)[:_LONGEST]
